//! What the scripted broker answers, call by call.

use std::{pin::Pin, sync::Arc};

use tokio_stream::{Stream, iter};
use tonic::{Request, Response, Status};
use valetkey_sdk::wire::{
    admin::{self, admin_server::Admin},
    agent::{self, agent_server::Agent},
    developer::{self as dev, developer_server::Developer, login_response::Step},
    metadata,
};

use crate::stub::Script;

/// The year 2100, in seconds since the epoch.
const FAR: u64 = 4_102_444_800;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Doors(pub(crate) Arc<Script>);

impl Doors {
    fn word(&self) -> String {
        self.0.word.clone()
    }

    fn user(&self) -> dev::User {
        dev::User {
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: self.word(),
            groups: vec![self.word()],
        }
    }

    fn session(&self, id: &str, state: &str) -> dev::Session {
        dev::Session {
            id: id.to_owned(),
            account: "default".to_owned(),
            user: Some(self.user()),
            agent: "coder".to_owned(),
            workspace: Some(self.word()),
            state: state.to_owned(),
            state_reason: Some(self.word()),
            revoked_by: None,
            started_at: 1_000_000_000,
            expires_at: FAR,
            socket: Some(format!("/run/{}/session.sock", self.word())),
        }
    }

    fn admin_session(&self) -> admin::Session {
        admin::Session {
            id: "s-1".to_owned(),
            issuer: "https://idp.test".to_owned(),
            subject: "sub-1".to_owned(),
            display: self.word(),
            agent: "coder".to_owned(),
            workspace: None,
            state: "active".to_owned(),
            started_at: 1_000_000_000,
            expires_at: FAR,
        }
    }
}

fn reply<T>(answer: T) -> Result<Response<T>, Status> {
    Ok(Response::new(answer))
}

fn stream<T: Send + 'static>(answers: Vec<T>) -> Result<Response<Answers<T>>, Status> {
    let answers: Vec<_> = answers.into_iter().map(Ok).collect();
    reply(Box::pin(iter(answers)))
}

#[tonic::async_trait]
impl Agent for Doors {
    async fn get_token(
        &self,
        request: Request<agent::GetTokenRequest>,
    ) -> Result<Response<agent::GetTokenResponse>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        reply(agent::GetTokenResponse {
            access_token: format!("ey.{}", request.credential),
            token_type: "Bearer".to_owned(),
            expires_in: 600,
            expires_at: FAR,
            scopes: request.scopes,
            audience: "https://api.test".to_owned(),
            lease_id: "lease-1".to_owned(),
        })
    }

    async fn get_session(
        &self,
        _: Request<agent::GetSessionRequest>,
    ) -> Result<Response<agent::GetSessionResponse>, Status> {
        self.0.hear("own session".to_owned())?;
        let session = Some(agent::Session {
            id: "s-1".to_owned(),
            agent: self.word(),
            state: "active".to_owned(),
            expires_at: FAR,
        });
        reply(agent::GetSessionResponse { session })
    }

    async fn list_grants(
        &self,
        _: Request<agent::ListGrantsRequest>,
    ) -> Result<Response<agent::ListGrantsResponse>, Status> {
        self.0.hear("grants".to_owned())?;
        let grants = vec![agent::Grant {
            credential: "demo-api".to_owned(),
            scopes: vec!["api:read".to_owned(), self.word()],
            audiences: vec!["https://api.test".to_owned()],
            max_lifetime_seconds: 900,
        }];
        reply(agent::ListGrantsResponse { grants })
    }

    type WatchSessionStream = Answers<agent::WatchSessionResponse>;

    async fn watch_session(
        &self,
        _: Request<agent::WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        Err(Status::unimplemented("the command line does not watch"))
    }
}

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
            live_sessions: 2,
            token_issuer: "http://127.0.0.1:8425".to_owned(),
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
        secrets.push((request.name, request.value));
        reply(dev::PutSecretResponse {})
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
        reply(dev::StartSessionResponse { session })
    }

    async fn list_sessions(
        &self,
        request: Request<dev::ListSessionsRequest>,
    ) -> Result<Response<dev::ListSessionsResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        let sessions = vec![
            self.session("s-1", "active"),
            self.session("s-2", "revoked"),
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
            records: 12,
            checkpoints: 3,
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
        let policies = 4;
        reply(dev::ReloadPoliciesResponse { digest, policies })
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

/// The account that an admin call names.
fn account<T>(request: &Request<T>) -> String {
    let account = request.metadata().get(metadata::ACCOUNT);
    let account = account.expect("an admin call names its account");
    account.to_str().unwrap().to_owned()
}

#[tonic::async_trait]
impl Admin for Doors {
    async fn list_sessions(
        &self,
        request: Request<admin::ListSessionsRequest>,
    ) -> Result<Response<admin::ListSessionsResponse>, Status> {
        self.0.hear(format!("sessions as {}", account(&request)))?;
        let sessions = vec![self.admin_session()];
        reply(admin::ListSessionsResponse { sessions })
    }

    async fn revoke(
        &self,
        request: Request<admin::RevokeRequest>,
    ) -> Result<Response<admin::RevokeResponse>, Status> {
        let account = account(&request);
        self.0
            .hear(format!("{:?} as {account}", request.into_inner()))?;
        reply(admin::RevokeResponse {
            sessions: vec![admin::Revoked {
                session: Some(self.admin_session()),
                connections_cut: 3,
                tokens_outstanding: 2,
                outstanding_until: Some(FAR),
                not_durable: Some(self.word()),
            }],
            elapsed_microseconds: 1_234,
        })
    }
}
