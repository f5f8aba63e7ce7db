//! `valetkey.admin.v1`: every call begins by asking whose authority it is made with.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use valetkey_core::{
    AccountName, Refusal,
    lifecycle::{self, RevokeTarget, RevokedSession},
};
use valetkey_wire::{
    admin::{
        ListSessionsRequest, ListSessionsResponse, LockRequest, LockResponse, RevokeRequest,
        RevokeResponse, Revoked, Session, UnlockRequest, UnlockResponse, admin_server::Admin,
        revoke_request::Target,
    },
    metadata,
};

use super::{Office, view};

/// The admin's service.
pub(super) struct AdminService(Arc<Office>);

impl AdminService {
    pub(super) const fn new(office: Arc<Office>) -> Self {
        Self(office)
    }
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let listed = self.0.admin_list(&request).await;
        listed
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(&refusal))
    }

    async fn revoke(
        &self,
        request: Request<RevokeRequest>,
    ) -> Result<Response<RevokeResponse>, Status> {
        let revoked = self.0.admin_revoke(request).await;
        revoked
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(&refusal))
    }

    async fn lock(&self, request: Request<LockRequest>) -> Result<Response<LockResponse>, Status> {
        let locked = self.0.admin_lock(&request).await;
        locked
            .map(|()| Response::new(LockResponse {}))
            .map_err(|refusal| self.0.refuse(&refusal))
    }

    async fn unlock(
        &self,
        request: Request<UnlockRequest>,
    ) -> Result<Response<UnlockResponse>, Status> {
        let unlocked = self.0.admin_unlock(&request).await;
        unlocked
            .map(|()| Response::new(UnlockResponse {}))
            .map_err(|refusal| self.0.refuse(&refusal))
    }
}

impl Office {
    async fn admin_list(
        &self,
        request: &Request<ListSessionsRequest>,
    ) -> Result<ListSessionsResponse, Refusal> {
        let account = account(request)?;
        let authority = lifecycle::authority(&self.broker, &account, "list").await?;
        let filter = view::filter(request.get_ref().recent);
        let sessions = lifecycle::list(&self.broker, &authority, filter).await?;
        Ok(ListSessionsResponse {
            sessions: sessions.iter().map(|found| session(found)).collect(),
        })
    }

    async fn admin_revoke(
        &self,
        request: Request<RevokeRequest>,
    ) -> Result<RevokeResponse, Refusal> {
        let account = account(&request)?;
        let request = request.into_inner();
        let target = target(request.target)?;
        let authority = lifecycle::authority(&self.broker, &account, "revoke").await?;
        let reason = &request.reason;
        let report = lifecycle::revoke(&self.broker, &authority, &account, target, reason).await?;
        Ok(RevokeResponse {
            sessions: report.sessions.into_iter().map(revoked).collect(),
            elapsed_microseconds: report.elapsed_us,
        })
    }

    async fn admin_lock(&self, request: &Request<LockRequest>) -> Result<(), Refusal> {
        let account = account(request)?;
        let authority = lifecycle::authority(&self.broker, &account, "lock").await?;
        let reason = &request.get_ref().reason;
        lifecycle::admin_lock(&self.broker, &authority, &account, reason).await
    }

    async fn admin_unlock(&self, request: &Request<UnlockRequest>) -> Result<(), Refusal> {
        let account = account(request)?;
        let authority = lifecycle::authority(&self.broker, &account, "unlock").await?;
        lifecycle::admin_unlock(&self.broker, &authority, &account).await
    }
}

fn account<T>(request: &Request<T>) -> Result<AccountName, Refusal> {
    let mut named = request.metadata().get_all(metadata::ACCOUNT).iter();
    match (named.next(), named.next()) {
        (Some(name), None) => view::account(name.to_str().unwrap_or_default()),
        _ => Err(view::invalid(format!(
            "the metadata `{}` names one account",
            metadata::ACCOUNT
        ))),
    }
}

fn target(target: Option<Target>) -> Result<RevokeTarget, Refusal> {
    match target {
        Some(Target::Session(id)) => Ok(RevokeTarget::Session(view::session_id(&id)?)),
        Some(Target::User(user)) if !user.is_empty() => Ok(RevokeTarget::User(user)),
        Some(Target::Agent(name)) => Ok(RevokeTarget::Agent(view::agent(&name)?)),
        Some(Target::All(true)) => Ok(RevokeTarget::All),
        Some(Target::All(false) | Target::User(_)) | None => Err(view::invalid(
            "name what to revoke: a session, a user, an agent or all",
        )),
    }
}

fn session(session: &valetkey_core::Session) -> Session {
    Session {
        id: session.id.to_string(),
        issuer: session.user.id.issuer.clone(),
        subject: session.user.id.subject.clone(),
        display: session.user.display.clone(),
        agent: session.agent.to_string(),
        workspace: session.workspace.clone(),
        state: session.state.id().to_owned(),
        started_at: session.started.unix_seconds(),
        expires_at: session.deadline.unix_ms / 1000,
    }
}

fn revoked(revoked: RevokedSession) -> Revoked {
    Revoked {
        session: Some(session(&revoked.session)),
        connections_cut: revoked.cut.connections,
        tokens_outstanding: revoked.outstanding as u64,
        outstanding_until: revoked.outstanding_until,
        not_durable: revoked.not_durable.map(|error| error.to_string()),
    }
}
