//! The door of an agent.

use tonic::{Request, Response, Status};
use valetkey_sdk::wire::agent::{self, agent_server::Agent};

use super::{Answers, Doors, FAR, reply};

#[tonic::async_trait]
impl Agent for Doors {
    async fn get_token(
        &self,
        request: Request<agent::GetTokenRequest>,
    ) -> Result<Response<agent::GetTokenResponse>, Status> {
        let request = request.into_inner();
        self.0.hear(format!("{request:?}"))?;
        self.0.ask_a_person(&request).await?;
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

    async fn may_reach(
        &self,
        request: Request<agent::MayReachRequest>,
    ) -> Result<Response<agent::MayReachResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        reply(agent::MayReachResponse { expires_at: FAR })
    }

    async fn prepare_command(
        &self,
        request: Request<agent::PrepareCommandRequest>,
    ) -> Result<Response<agent::PrepareCommandResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        let variables = vec![agent::Variable {
            name: "GIVEN".to_owned(),
            value: "this and no more".to_owned(),
        }];
        reply(agent::PrepareCommandResponse {
            rule: "printenv GIVEN".to_owned(),
            variables,
            expires_at: FAR,
        })
    }

    async fn withdraw_approval(
        &self,
        request: Request<agent::WithdrawApprovalRequest>,
    ) -> Result<Response<agent::WithdrawApprovalResponse>, Status> {
        self.0.hear(format!("{:?}", request.into_inner()))?;
        reply(agent::WithdrawApprovalResponse {})
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
            profile: None,
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
            reviewed_scopes: vec!["api:write".to_owned()],
            approved_scopes: Vec::new(),
            injected: false,
        }];
        let grants = if self.0.ungranted { Vec::new() } else { grants };
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
