//! `valetkey.developer.v1`: translates, nothing else.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tokio::runtime::Handle;
use tonic::{Request, Response, Status};
use valetkey_codes::Code;
use valetkey_core::{
    Pins, Refusal, doctor,
    flow::{ledger_refusal, source_refusal},
    lifecycle, policies,
    ports::{PolicySummary, SessionFilter},
    secrets,
};
use valetkey_secret::RootSecret;
use valetkey_wire::developer::{
    DoctorRequest, DoctorResponse, EndSessionRequest, EndSessionResponse, GetSessionRequest,
    GetSessionResponse, ListKeysRequest, ListKeysResponse, ListSecretsRequest, ListSecretsResponse,
    ListSessionsRequest, ListSessionsResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, PutSecretRequest, PutSecretResponse, ReloadPoliciesRequest,
    ReloadPoliciesResponse, RemoveSecretRequest, RemoveSecretResponse, RotateKeysRequest,
    RotateKeysResponse, StartSessionRequest, StartSessionResponse, StatusRequest, StatusResponse,
    TailAuditRequest, TailAuditResponse, VerifyAuditRequest, VerifyAuditResponse,
    developer_server::Developer,
};
use zeroize::Zeroizing;

use super::{Office, audit, login, view};

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
        self.reply(put.await.map(|()| PutSecretResponse {}))
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
        let end = async {
            let id = view::session_id(&request.into_inner().id)?;
            let ended = lifecycle::end(&self.0.broker, id).await?;
            let session = Some(view::session(&ended, &self.0.about.runtime));
            Ok(EndSessionResponse { session })
        };
        self.reply(end.await)
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
        let reloaded = self.0.reload_policies().await;
        self.reply(reloaded.map(|summary| ReloadPoliciesResponse {
            digest: summary.digest,
            policies: summary.policies,
        }))
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
        })
    }

    async fn start_session(
        &self,
        request: StartSessionRequest,
    ) -> Result<StartSessionResponse, Refusal> {
        let ask = lifecycle::StartSession {
            account: view::account(&request.account)?,
            agent: view::agent(&request.agent)?,
            workspace: request.workspace,
            lifetime: request.lifetime_seconds,
            pins: pins(request.pin_executable_sha256, request.pin_cgroup)?,
        };
        let (session, _) = lifecycle::start(&self.broker, ask).await?;
        Ok(StartSessionResponse {
            session: Some(view::session(&session, &self.about.runtime)),
        })
    }

    async fn list_sessions(
        &self,
        request: &ListSessionsRequest,
    ) -> Result<ListSessionsResponse, Refusal> {
        let filter = view::filter(request.recent);
        let listed = self.broker.ports.sessions.list(filter).await;
        let sessions = listed.map_err(|error| ledger_refusal(&error))?;
        let view = |session: &Arc<_>| view::session(session, &self.about.runtime);
        Ok(ListSessionsResponse {
            sessions: sessions.iter().map(view).collect(),
        })
    }

    async fn get_session(
        &self,
        request: &GetSessionRequest,
    ) -> Result<GetSessionResponse, Refusal> {
        let id = view::session_id(&request.id)?;
        let ports = &self.broker.ports;
        let session = ports.sessions.load(id).ok_or(Code::UnknownSession)?;
        let now = ports.clock.now().unix_seconds();
        let leases = ports.sessions.leases(id, now).await;
        let leases = leases.map_err(|error| ledger_refusal(&error))?;
        Ok(GetSessionResponse {
            session: Some(view::session(&session, &self.about.runtime)),
            leases: leases.into_iter().map(view::lease).collect(),
        })
    }

    /// Reading the files blocks, so it is done where blocking is fine.
    async fn reload_policies(&self) -> Result<PolicySummary, Refusal> {
        let (broker, runtime) = (self.broker.clone(), Handle::current());
        let reload = move || runtime.block_on(policies::reload(&broker));
        tokio::task::spawn_blocking(reload)
            .await
            .unwrap_or_else(|error| Err(Refusal::new(Code::Internal).because(error.to_string())))
    }
}

/// A digest of 64 hexadecimal digits, in lower case as the kernel's facts are compared with it.
fn pins(executable: Option<String>, cgroup: Option<String>) -> Result<Pins, Refusal> {
    let executable_sha256 = executable
        .map(|digest| {
            let fine = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            fine.then(|| digest.to_ascii_lowercase())
                .ok_or_else(|| view::invalid("a SHA-256 has 64 hexadecimal digits"))
        })
        .transpose()?;
    if cgroup.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err(view::invalid(
            "a cgroup is a path as in `/proc/PID/cgroup`: it begins with `/`",
        ));
    }
    Ok(Pins {
        executable_sha256,
        cgroup,
    })
}
