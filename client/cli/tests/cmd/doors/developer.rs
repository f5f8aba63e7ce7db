//! The door of a developer.

use tonic::{Request, Response, Status};
use valetkey_sdk::wire::developer::{
    self as dev, developer_server::Developer, login_response::Step,
};

use super::{Answers, Doors, FAR, HELD, reply, stream};

#[tonic::async_trait]
impl Developer for Doors {
    type LoginStream = Answers<dev::LoginResponse>;

    async fn login(
        &self,
        request: Request<dev::LoginRequest>,
    ) -> Result<Response<Self::LoginStream>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        let first = if request.device {
            Step::Device(dev::login_response::Device {
                verification_uri: "https://idp.test/device".to_owned(),
                verification_uri_complete: Some(format!("https://idp.test/d?{}", self.word())),
                user_code: "WDJB-MJHT".to_owned(),
                expires_in: 300,
            })
        } else {
            let url = format!("https://idp.test/authorize?state={}", self.word());
            Step::Browser(dev::login_response::Browser { url })
        };
        let steps = [first, Step::Done(self.user())];
        let answers = steps.map(|step| dev::LoginResponse { step: Some(step) });
        stream(answers.into())
    }

    async fn logout(
        &self,
        request: Request<dev::LogoutRequest>,
    ) -> Result<Response<dev::LogoutResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        let provider_problem = Some(self.word());
        reply(dev::LogoutResponse { provider_problem })
    }

    async fn status(
        &self,
        _: Request<dev::StatusRequest>,
    ) -> Result<Response<dev::StatusResponse>, Status> {
        self.0.hear("status".to_owned())?;
        reply(dev::StatusResponse {
            version: self.word(),
            accounts: vec![dev::Account {
                account: "default".to_owned(),
                user: Some(self.user()),
                confirmed_at: 1_000_000_000,
                renews_at: FAR,
                problem: Some(self.word()),
            }],
            live_sessions: self.some(2),
            token_issuer: "http://127.0.0.1:8425".to_owned(),
            locks: vec![self.lock()],
            open_approvals: 3,
            requirements: vec![self.word()],
        })
    }

    async fn doctor(
        &self,
        _: Request<dev::DoctorRequest>,
    ) -> Result<Response<dev::DoctorResponse>, Status> {
        self.0.hear("doctor".to_owned())?;
        let finding = |name: &str, health: &str| dev::Finding {
            name: name.to_owned(),
            health: health.to_owned(),
            text: self.word(),
            next_step: Some(self.word()),
        };
        let mut findings = vec![finding("keyring", "well"), finding("host", "care")];
        if self.0.ill {
            findings.push(finding("ledger", "ill"));
        }
        reply(dev::DoctorResponse { findings })
    }

    async fn put_secret(
        &self,
        request: Request<dev::PutSecretRequest>,
    ) -> Result<Response<dev::PutSecretResponse>, Status> {
        let request = request.into_inner();
        self.0.hear("put secret".to_owned())?;
        let mut secrets = self.0.secrets.lock().unwrap();
        let replaced = secrets.iter().any(|(name, _)| *name == request.name);
        let used = request.name == "deploy-key";
        secrets.push((request.name, request.value));
        reply(dev::PutSecretResponse { replaced, used })
    }

    async fn list_secrets(
        &self,
        _: Request<dev::ListSecretsRequest>,
    ) -> Result<Response<dev::ListSecretsResponse>, Status> {
        self.0.hear("list secrets".to_owned())?;
        let names = vec!["deploy-key".to_owned()];
        let store = self.word();
        reply(dev::ListSecretsResponse { names, store })
    }

    async fn remove_secret(
        &self,
        request: Request<dev::RemoveSecretRequest>,
    ) -> Result<Response<dev::RemoveSecretResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        reply(dev::RemoveSecretResponse {})
    }

    async fn start_session(
        &self,
        request: Request<dev::StartSessionRequest>,
    ) -> Result<Response<dev::StartSessionResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        let session = Some(self.session("s-1", "active"));
        let room = None;
        reply(dev::StartSessionResponse { session, room })
    }

    async fn list_sessions(
        &self,
        request: Request<dev::ListSessionsRequest>,
    ) -> Result<Response<dev::ListSessionsResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        let sessions = vec![
            self.session("s-1", "active"),
            self.session("s-2", "revoked"),
            self.session(HELD, "held"),
        ];
        reply(dev::ListSessionsResponse { sessions })
    }

    async fn get_session(
        &self,
        request: Request<dev::GetSessionRequest>,
    ) -> Result<Response<dev::GetSessionResponse>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        reply(dev::GetSessionResponse {
            session: Some(self.session(&request.id, "active")),
            leases: vec![dev::Lease {
                id: "lease-1".to_owned(),
                credential: "demo-api".to_owned(),
                scopes: vec![self.word()],
                audience: "https://api.test".to_owned(),
                expires_at: FAR,
            }],
        })
    }

    async fn end_session(
        &self,
        request: Request<dev::EndSessionRequest>,
    ) -> Result<Response<dev::EndSessionResponse>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        let session = Some(self.session(&request.id, "ended"));
        reply(dev::EndSessionResponse { session })
    }

    async fn resume_session(
        &self,
        request: Request<dev::ResumeSessionRequest>,
    ) -> Result<Response<dev::ResumeSessionResponse>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        let session = Some(self.session(&request.id, "active"));
        reply(dev::ResumeSessionResponse { session })
    }

    async fn list_approvals(
        &self,
        request: Request<dev::ListApprovalsRequest>,
    ) -> Result<Response<dev::ListApprovalsResponse>, Status> {
        self.list(request.into_inner())
    }

    type WatchApprovalsStream = Answers<dev::WatchApprovalsResponse>;

    async fn watch_approvals(
        &self,
        request: Request<dev::WatchApprovalsRequest>,
    ) -> Result<Response<Self::WatchApprovalsStream>, Status> {
        self.watch(request.into_inner())
    }

    async fn answer_approval(
        &self,
        request: Request<dev::AnswerApprovalRequest>,
    ) -> Result<Response<dev::AnswerApprovalResponse>, Status> {
        self.answer(request.into_inner())
    }

    async fn take_back_approval(
        &self,
        request: Request<dev::TakeBackApprovalRequest>,
    ) -> Result<Response<dev::TakeBackApprovalResponse>, Status> {
        self.take_back(request.into_inner())
    }

    async fn lock(
        &self,
        request: Request<dev::LockRequest>,
    ) -> Result<Response<dev::LockResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        reply(dev::LockResponse {})
    }

    async fn unlock(
        &self,
        _: Request<dev::UnlockRequest>,
    ) -> Result<Response<dev::UnlockResponse>, Status> {
        self.0.hear("unlock".to_owned())?;
        let admin = self.0.ill.then(|| self.lock());
        reply(dev::UnlockResponse { admin })
    }

    async fn explain_policy(
        &self,
        request: Request<dev::ExplainPolicyRequest>,
    ) -> Result<Response<dev::ExplainPolicyResponse>, Status> {
        self.explain(request.into_inner())
    }

    async fn simulate_policies(
        &self,
        request: Request<dev::SimulatePoliciesRequest>,
    ) -> Result<Response<dev::SimulatePoliciesResponse>, Status> {
        self.simulate(request.into_inner())
    }

    async fn check_policies(
        &self,
        request: Request<dev::CheckPoliciesRequest>,
    ) -> Result<Response<dev::CheckPoliciesResponse>, Status> {
        self.check(request.into_inner())
    }

    type TailAuditStream = Answers<dev::TailAuditResponse>;

    async fn tail_audit(
        &self,
        request: Request<dev::TailAuditRequest>,
    ) -> Result<Response<Self::TailAuditStream>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        let records = (1..=u64::from(request.last.unwrap_or(1))).map(|sequence| {
            let record = serde_json::json!({
                "at": 1_000_000_000_000_u64, "event": "token_refused", "code": "denied",
                "credential": self.word(), "caller": {"uid": 1000},
            });
            dev::TailAuditResponse {
                sequence,
                record: record.to_string(),
                hash: "00ff".to_owned(),
            }
        });
        stream(records.collect())
    }

    async fn verify_audit(
        &self,
        _: Request<dev::VerifyAuditRequest>,
    ) -> Result<Response<dev::VerifyAuditResponse>, Status> {
        self.0.hear("verify".to_owned())?;
        let fault = dev::verify_audit_response::Fault {
            sequence: 7,
            what: self.word(),
        };
        reply(dev::VerifyAuditResponse {
            records: self.some(12),
            checkpoints: self.some(3),
            anchored: 11,
            head: "00ff".to_owned(),
            faults: if self.0.ill { vec![fault] } else { Vec::new() },
            unknown: vec![self.word()],
        })
    }

    async fn reload_policies(
        &self,
        _: Request<dev::ReloadPoliciesRequest>,
    ) -> Result<Response<dev::ReloadPoliciesResponse>, Status> {
        self.0.hear("reload".to_owned())?;
        let digest = self.word();
        let policies = self.some(4);
        let origin = self.word();
        reply(dev::ReloadPoliciesResponse {
            digest,
            policies,
            origin,
        })
    }

    async fn list_keys(
        &self,
        _: Request<dev::ListKeysRequest>,
    ) -> Result<Response<dev::ListKeysResponse>, Status> {
        self.0.hear("list keys".to_owned())?;
        let key = |retires_at| dev::Key {
            kid: self.word(),
            algorithm: "EdDSA".to_owned(),
            retires_at,
        };
        let keys = vec![key(None), key(Some(FAR))];
        reply(dev::ListKeysResponse { keys })
    }

    async fn rotate_keys(
        &self,
        _: Request<dev::RotateKeysRequest>,
    ) -> Result<Response<dev::RotateKeysResponse>, Status> {
        self.0.hear("rotate keys".to_owned())?;
        let keys = Vec::new();
        reply(dev::RotateKeysResponse { keys })
    }
}
