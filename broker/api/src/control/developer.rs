//! `valetkey.developer.v1`: translates, nothing else.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status};
use valetkey_core::{
    Refusal, doctor,
    flow::{ledger_refusal, source_refusal},
    ports::SessionFilter,
    secrets,
};
use valetkey_secret::RootSecret;
use valetkey_wire::developer::{
    AnswerApprovalRequest, AnswerApprovalResponse, CheckPoliciesRequest, CheckPoliciesResponse,
    DoctorRequest, DoctorResponse, EndSessionRequest, EndSessionResponse, ExplainPolicyRequest,
    ExplainPolicyResponse, GetSessionRequest, GetSessionResponse, ListApprovalsRequest,
    ListApprovalsResponse, ListKeysRequest, ListKeysResponse, ListSecretsRequest,
    ListSecretsResponse, ListSessionsRequest, ListSessionsResponse, LockRequest, LockResponse,
    LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, PutSecretRequest,
    PutSecretResponse, ReloadPoliciesRequest, ReloadPoliciesResponse, RemoveSecretRequest,
    RemoveSecretResponse, ResumeSessionRequest, ResumeSessionResponse, RotateKeysRequest,
    RotateKeysResponse, SimulatePoliciesRequest, SimulatePoliciesResponse, StartSessionRequest,
    StartSessionResponse, StatusRequest, StatusResponse, TailAuditRequest, TailAuditResponse,
    TakeBackApprovalRequest, TakeBackApprovalResponse, UnlockRequest, UnlockResponse,
    VerifyAuditRequest, VerifyAuditResponse, WatchApprovalsRequest, WatchApprovalsResponse,
    developer_server::Developer,
};
use zeroize::Zeroizing;

use super::{Office, audit, login, view, watch};

type Reply<T> = Result<Response<T>, Status>;

/// The developer's service.
pub(super) struct DeveloperService(Arc<Office>);

impl DeveloperService {
    pub(super) const fn new(office: Arc<Office>) -> Self {
        Self(office)
    }

    fn reply<T>(&self, answer: Result<T, Refusal>) -> Reply<T> {
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(&refusal))
    }
}

#[tonic::async_trait]
impl Developer for DeveloperService {
    type LoginStream = BoxStream<'static, Result<LoginResponse, Status>>;
    type WatchApprovalsStream = BoxStream<'static, Result<WatchApprovalsResponse, Status>>;
    type TailAuditStream = BoxStream<'static, Result<TailAuditResponse, Status>>;

    async fn login(&self, request: Request<LoginRequest>) -> Reply<Self::LoginStream> {
        self.reply(login::begin(&self.0, &request.into_inner()).await)
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Reply<LogoutResponse> {
        self.reply(self.0.logout(&request.into_inner()).await)
    }

    async fn status(&self, _: Request<StatusRequest>) -> Reply<StatusResponse> {
        self.reply(self.0.status().await)
    }

    async fn doctor(&self, _: Request<DoctorRequest>) -> Reply<DoctorResponse> {
        let findings = doctor::examine(&self.0.broker).await;
        let findings = findings.into_iter().map(view::finding).collect();
        Ok(Response::new(DoctorResponse { findings }))
    }

    async fn put_secret(&self, request: Request<PutSecretRequest>) -> Reply<PutSecretResponse> {
        let request = request.into_inner();
        let secret = RootSecret::new(Zeroizing::new(request.value));
        let put = async {
            let name = view::secret_name(&request.name)?;
            secrets::put(&self.0.broker, name, secret).await
        };
        self.reply(put.await.map(|put| PutSecretResponse {
            replaced: put.replaced,
            used: put.used,
        }))
    }

    async fn list_secrets(&self, _: Request<ListSecretsRequest>) -> Reply<ListSecretsResponse> {
        let listed = secrets::list(&self.0.broker).await;
        self.reply(listed.map(|report| ListSecretsResponse {
            names: report.names.into_iter().map(Into::into).collect(),
            store: format!("{} ({})", report.kind, report.vendor),
        }))
    }

    async fn remove_secret(
        &self,
        request: Request<RemoveSecretRequest>,
    ) -> Reply<RemoveSecretResponse> {
        let remove = async {
            let name = view::secret_name(&request.into_inner().name)?;
            secrets::remove(&self.0.broker, name).await
        };
        self.reply(remove.await.map(|()| RemoveSecretResponse {}))
    }

    async fn start_session(
        &self,
        request: Request<StartSessionRequest>,
    ) -> Reply<StartSessionResponse> {
        self.reply(self.0.start_session(request.into_inner()).await)
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Reply<ListSessionsResponse> {
        self.reply(self.0.list_sessions(&request.into_inner()).await)
    }

    async fn get_session(&self, request: Request<GetSessionRequest>) -> Reply<GetSessionResponse> {
        self.reply(self.0.get_session(&request.into_inner()).await)
    }

    async fn end_session(&self, request: Request<EndSessionRequest>) -> Reply<EndSessionResponse> {
        self.reply(self.0.end_session(request.get_ref()).await)
    }

    async fn resume_session(
        &self,
        request: Request<ResumeSessionRequest>,
    ) -> Reply<ResumeSessionResponse> {
        self.reply(self.0.resume_session(request.get_ref()).await)
    }

    async fn list_approvals(
        &self,
        request: Request<ListApprovalsRequest>,
    ) -> Reply<ListApprovalsResponse> {
        self.reply(self.0.list_approvals(request.get_ref()).await)
    }

    async fn watch_approvals(
        &self,
        request: Request<WatchApprovalsRequest>,
    ) -> Reply<Self::WatchApprovalsStream> {
        self.reply(watch::approvals(&self.0, request.get_ref()))
    }

    async fn answer_approval(
        &self,
        request: Request<AnswerApprovalRequest>,
    ) -> Reply<AnswerApprovalResponse> {
        self.reply(self.0.answer_approval(request.into_inner()).await)
    }

    async fn take_back_approval(
        &self,
        request: Request<TakeBackApprovalRequest>,
    ) -> Reply<TakeBackApprovalResponse> {
        self.reply(self.0.take_back_approval(request.get_ref()).await)
    }

    async fn lock(&self, request: Request<LockRequest>) -> Reply<LockResponse> {
        self.reply(self.0.lock(request.get_ref()).await)
    }

    async fn unlock(&self, _: Request<UnlockRequest>) -> Reply<UnlockResponse> {
        self.reply(self.0.unlock().await)
    }

    async fn tail_audit(&self, request: Request<TailAuditRequest>) -> Reply<Self::TailAuditStream> {
        self.reply(audit::tail(&self.0, &request.into_inner()).await)
    }

    async fn verify_audit(&self, _: Request<VerifyAuditRequest>) -> Reply<VerifyAuditResponse> {
        self.reply(audit::verify(&self.0).await)
    }

    async fn reload_policies(
        &self,
        _: Request<ReloadPoliciesRequest>,
    ) -> Reply<ReloadPoliciesResponse> {
        self.reply(self.0.reload_policies().await)
    }

    async fn explain_policy(
        &self,
        request: Request<ExplainPolicyRequest>,
    ) -> Reply<ExplainPolicyResponse> {
        self.reply(self.0.explain_policy(request.into_inner()).await)
    }

    async fn simulate_policies(
        &self,
        request: Request<SimulatePoliciesRequest>,
    ) -> Reply<SimulatePoliciesResponse> {
        self.reply(self.0.simulate_policies(request.into_inner()).await)
    }

    async fn check_policies(
        &self,
        request: Request<CheckPoliciesRequest>,
    ) -> Reply<CheckPoliciesResponse> {
        self.reply(self.0.check_policies(request.into_inner()).await)
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Reply<ListKeysResponse> {
        let public = self.0.broker.ports.keys.public().await;
        self.reply(
            public
                .map_err(|error| source_refusal(&error))
                .map(|keys| ListKeysResponse {
                    keys: keys.into_iter().map(view::key).collect(),
                }),
        )
    }

    async fn rotate_keys(&self, _: Request<RotateKeysRequest>) -> Reply<RotateKeysResponse> {
        let made = self.0.broker.ports.keys.rotate().await;
        self.reply(
            made.map_err(|error| source_refusal(&error))
                .map(|keys| RotateKeysResponse {
                    keys: keys.into_iter().map(view::key).collect(),
                }),
        )
    }
}

impl Office {
    async fn logout(&self, request: &LogoutRequest) -> Result<LogoutResponse, Refusal> {
        let account = view::account(&request.account)?;
        let report = self.broker.ports.logins.end(&account).await?;
        Ok(LogoutResponse {
            provider_problem: report.revoked_at_provider.err(),
        })
    }

    async fn status(&self) -> Result<StatusResponse, Refusal> {
        let ports = &self.broker.ports;
        let live = ports.sessions.list(SessionFilter::Live).await;
        let live = live.map_err(|error| ledger_refusal(&error))?;
        Ok(StatusResponse {
            version: self.about.version.clone(),
            accounts: ports.logins.list().into_iter().map(view::login).collect(),
            live_sessions: live.len() as u64,
            token_issuer: self.about.token_issuer.clone(),
            locks: self.locks(),
            open_approvals: self.open_approvals(),
            requirements: self.about.requirements.clone(),
        })
    }
}
