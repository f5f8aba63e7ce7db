//! The domain's values as developers and admins see them, and their words as the domain's values.

use std::path::Path;

use valetkey_codes::Code;
use valetkey_core::{
    AccountName, AgentName, Refusal, SecretName, SessionId,
    doctor::{self, Health},
    ports::{LoginStatus, PublicKey, SessionFilter},
};
use valetkey_wire::developer;

use crate::agent::socket_path;

/// Most sessions in one list.
const RECENT: u32 = 1000;

pub(super) fn invalid(sentence: impl AsRef<str>) -> Refusal {
    Refusal::new(Code::InvalidRequest).saying(sentence)
}

pub(super) fn account(name: &str) -> Result<AccountName, Refusal> {
    AccountName::parse(name).map_err(|bad| invalid(format!("account: {bad}")))
}

pub(super) fn agent(name: &str) -> Result<AgentName, Refusal> {
    AgentName::parse(name).map_err(|bad| invalid(format!("agent: {bad}")))
}

pub(super) fn secret_name(name: &str) -> Result<SecretName, Refusal> {
    SecretName::parse(name).map_err(|bad| invalid(format!("secret: {bad}")))
}

pub(super) fn session_id(id: &str) -> Result<SessionId, Refusal> {
    SessionId::parse(id).ok_or_else(|| invalid("the id of a session has 32 hexadecimal digits"))
}

pub(super) fn filter(recent: Option<u32>) -> SessionFilter {
    recent.map_or(SessionFilter::Live, |most| {
        SessionFilter::Recent(most.min(RECENT))
    })
}

pub(super) fn user(user: &valetkey_core::User) -> developer::User {
    developer::User {
        issuer: user.id.issuer.clone(),
        subject: user.id.subject.clone(),
        display: user.display.clone(),
        groups: user.groups.iter().cloned().collect(),
    }
}

pub(super) fn login(login: LoginStatus) -> developer::Account {
    developer::Account {
        account: login.account.to_string(),
        user: Some(user(&login.user)),
        confirmed_at: login.confirmed,
        renews_at: login.renews,
        problem: login.problem,
    }
}

pub(super) fn session(session: &valetkey_core::Session, runtime: &Path) -> developer::Session {
    use valetkey_core::SessionState::{Held, Revoked, Suspended};
    let (reason, by) = match &session.state {
        Suspended { reason } | Held { reason } => (Some(reason.clone()), None),
        Revoked { by, reason } => (Some(reason.clone()), Some(by.clone())),
        _ => (None, None),
    };
    let live = !session.state.is_final();
    developer::Session {
        id: session.id.to_string(),
        account: session.account.to_string(),
        user: Some(user(&session.user)),
        agent: session.agent.to_string(),
        workspace: session.workspace.clone(),
        state: session.state.id().to_owned(),
        state_reason: reason,
        revoked_by: by,
        started_at: session.started.unix_seconds(),
        expires_at: session.deadline.unix_ms / 1000,
        profile: session.profile.as_ref().map(ToString::to_string),
        socket: live.then(|| socket_path(runtime, session.id).display().to_string()),
    }
}

pub(super) fn lease(lease: valetkey_core::Lease) -> developer::Lease {
    developer::Lease {
        id: lease.id.to_string(),
        credential: lease.credential.into(),
        scopes: lease.grant.scopes.into(),
        audience: lease.grant.audience.into(),
        expires_at: lease.expires,
    }
}

pub(super) fn finding(finding: doctor::Finding) -> developer::Finding {
    let health = match finding.health {
        Health::Well => "well",
        Health::Care => "care",
        Health::Ill => "ill",
    };
    developer::Finding {
        name: finding.name.to_owned(),
        health: health.to_owned(),
        text: finding.text,
        next_step: finding.next_step,
    }
}

pub(super) fn key(key: PublicKey) -> developer::Key {
    developer::Key {
        kid: key.kid,
        algorithm: key.algorithm.id().to_owned(),
        retires_at: key.retires,
    }
}
