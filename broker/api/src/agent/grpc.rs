//! `valetkey.agent.v1`: translates, nothing else.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status};
use valetkey_codes::Code;
use valetkey_core::{
    Delivery, Refusal, Tier,
    request::{Ask, Released},
};
use valetkey_secret::Destination;
use valetkey_wire::agent::{
    GetSessionRequest, GetSessionResponse, GetTokenRequest, GetTokenResponse, Grant,
    ListGrantsRequest, ListGrantsResponse, MayReachRequest, MayReachResponse,
    PrepareCommandRequest, PrepareCommandResponse, Session, WatchSessionRequest,
    WatchSessionResponse, WithdrawApprovalRequest, WithdrawApprovalResponse, agent_server::Agent,
};

use super::{
    command,
    desk::{Desk, Refused},
    reach,
    wait::{self, Wait},
    watch,
};
use crate::{serve::Allowance, status};

/// One connection's agent service.
pub(super) struct AgentService {
    desk: Desk,
}

impl AgentService {
    pub(super) const fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl Agent for AgentService {
    async fn get_token(
        &self,
        request: Request<GetTokenRequest>,
    ) -> Result<Response<GetTokenResponse>, Status> {
        let allowance = Allowance::of(request.extensions());
        let request = request.into_inner();
        let wait = Wait::seconds(request.wait_seconds.map(u64::from));
        let wait = wait.map_err(|refusal| self.failed(&refusal))?;
        let released = wait::token(&self.desk, ask(request), wait, &allowance).await;
        let released = released.map_err(refused)?;
        let now = self.desk.now_seconds();
        let reply = token(&released, now).map_err(|refusal| self.failed(&refusal))?;
        Ok(Response::new(reply))
    }

    async fn may_reach(
        &self,
        request: Request<MayReachRequest>,
    ) -> Result<Response<MayReachResponse>, Status> {
        let allowance = Allowance::of(request.extensions());
        let request = request.into_inner();
        let wait = Wait::seconds(request.wait_seconds.map(u64::from));
        let wait = wait.map_err(|refusal| self.failed(&refusal))?;
        let ask = reach::ask(&request).map_err(|refusal| self.failed(&refusal))?;
        let released = wait::token(&self.desk, ask, wait, &allowance).await;
        Ok(Response::new(MayReachResponse {
            expires_at: released.map_err(refused)?.lease().expires,
        }))
    }

    async fn prepare_command(
        &self,
        request: Request<PrepareCommandRequest>,
    ) -> Result<Response<PrepareCommandResponse>, Status> {
        let allowance = Allowance::of(request.extensions());
        let request = request.into_inner();
        let wait = Wait::seconds(request.wait_seconds.map(u64::from));
        let wait = wait.map_err(|refusal| self.failed(&refusal))?;
        let prepared = command::prepare(&self.desk, &request.command, wait, &allowance).await;
        Ok(Response::new(prepared.map_err(refused)?))
    }

    async fn withdraw_approval(
        &self,
        request: Request<WithdrawApprovalRequest>,
    ) -> Result<Response<WithdrawApprovalResponse>, Status> {
        let request = request.into_inner();
        let withdrawn = self.desk.withdraw(&request.approval).await;
        withdrawn.map_err(refused)?;
        Ok(Response::new(WithdrawApprovalResponse {}))
    }

    async fn get_session(
        &self,
        _: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let found = self.desk.session().map_err(refused)?;
        Ok(Response::new(GetSessionResponse {
            session: Some(session(&found)),
        }))
    }

    async fn list_grants(
        &self,
        _: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let offers = self.desk.offers().map_err(refused)?;
        let grants = offers.into_iter().map(|offer| Grant {
            audiences: offer
                .credential
                .audiences
                .iter()
                .map(ToString::to_string)
                .collect(),
            credential: offer.credential.name.to_string(),
            max_lifetime_seconds: offer.credential.max_lifetime,
            scopes: offer.at(Tier::Auto),
            reviewed_scopes: offer.at(Tier::Review),
            approved_scopes: offer.at(Tier::Human),
            injected: matches!(offer.credential.delivery, Delivery::Inject(_)),
        });
        Ok(Response::new(ListGrantsResponse {
            grants: grants.collect(),
        }))
    }

    type WatchSessionStream = BoxStream<'static, Result<WatchSessionResponse, Status>>;

    async fn watch_session(
        &self,
        _: Request<WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        self.desk.session().map_err(refused)?;
        Ok(Response::new(Box::pin(watch::session(self.desk.clone()))))
    }
}

impl AgentService {
    fn failed(&self, refusal: &Refusal) -> Status {
        status::grpc(refusal, self.desk.reference())
    }
}

fn refused((refusal, reference): Refused) -> Status {
    status::grpc(&refusal, reference)
}

fn ask(request: GetTokenRequest) -> Ask {
    Ask {
        credential: request.credential,
        scopes: request.scopes,
        audience: request.audience,
        lifetime: request.lifetime_seconds,
        min_validity: request.min_validity_seconds,
        reason: request.reason,
        ..Ask::default()
    }
}

pub(super) fn token(released: &Released, now: u64) -> Result<GetTokenResponse, Refusal> {
    let lease = released.lease();
    let text = released
        .token()
        .disclose(Destination::AgentReply, |bytes| {
            std::str::from_utf8(bytes).map(str::to_owned)
        })
        .map_err(|_| Refusal::new(Code::Internal).because("the token is not text"))?;
    Ok(GetTokenResponse {
        access_token: text,
        token_type: "Bearer".to_owned(),
        expires_in: lease.expires.saturating_sub(now),
        expires_at: lease.expires,
        scopes: lease.grant.scopes.iter().map(str::to_owned).collect(),
        audience: lease.grant.audience.to_string(),
        lease_id: lease.id.to_string(),
    })
}

/// The session as agents see it.
pub(super) fn session(session: &Arc<valetkey_core::Session>) -> Session {
    Session {
        id: session.id.to_string(),
        agent: session.agent.to_string(),
        state: session.state.id().to_owned(),
        expires_at: session.deadline.unix_ms / 1000,
        profile: session.profile.as_ref().map(ToString::to_string),
    }
}
