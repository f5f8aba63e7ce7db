//! What admins may do, and by what authority.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    AccountName, AgentName, Broker, Event, Lease, Moment, Refusal, Session, SessionId, SourceKind,
    User,
    flow::ledger_refusal,
    ports::{Cut, Freshness, LedgerError, Retraction, SessionFilter},
    text::printable,
};

use super::change::begin;

/// Longest reason that is kept, in characters.
const REASON: usize = 300;

/// An admin or auditor, as the identity provider confirmed lately. Being root or the owner of the
/// machine is not enough.
#[derive(Debug)]
pub struct Authority {
    user: User,
    may_revoke: bool,
}

impl Authority {
    /// The admin; `None` for an auditor.
    pub(super) fn admin(&self) -> Option<&User> {
        self.may_revoke.then_some(&self.user)
    }
}

/// The authority of `account`: its groups, confirmed by the provider within the configured time. A
/// refusal is recorded, with what was attempted.
pub async fn authority(
    broker: &Broker,
    account: &AccountName,
    action: &str,
) -> Result<Authority, Refusal> {
    let settings = &broker.settings;
    let freshness = Freshness::Within(settings.admin_freshness);
    let granted = match broker.ports.logins.current(account, freshness).await {
        Ok(user) => {
            let may_revoke = user.in_any(&settings.admin_groups);
            if may_revoke || user.in_any(&settings.auditor_groups) {
                Ok(Authority { user, may_revoke })
            } else {
                Err(Refusal::new(Code::NotAdmin))
            }
        }
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = &granted {
        note_refusal(broker, account, action, refusal).await?;
    }
    granted
}

pub(super) async fn note_refusal(
    broker: &Broker,
    account: &AccountName,
    action: &str,
    refusal: &Refusal,
) -> Result<(), Refusal> {
    let noted = Event::AdminRefused {
        account: account.clone(),
        action: action.to_owned(),
        code: refusal.code().id().to_owned(),
    };
    broker.record(noted).await
}

/// Sessions that an admin means.
#[derive(Clone, Debug)]
pub enum RevokeTarget {
    /// This one.
    Session(SessionId),
    /// Those of every user with this subject or display name.
    User(String),
    /// Those of this kind of agent.
    Agent(AgentName),
    /// Every one.
    All,
}

impl RevokeTarget {
    fn describe(&self) -> String {
        match self {
            Self::Session(id) => format!("session {id}"),
            Self::User(user) => format!("user {}", printable(user, 200)),
            Self::Agent(agent) => format!("agent {agent}"),
            Self::All => "all sessions".to_owned(),
        }
    }

    fn means(&self, session: &Session) -> bool {
        match self {
            Self::Session(id) => session.id == *id,
            Self::User(user) => session.user.id.subject == *user || session.user.display == *user,
            Self::Agent(agent) => session.agent == *agent,
            Self::All => true,
        }
    }
}

/// What a revocation did.
#[derive(Debug)]
pub struct RevokeReport {
    /// The sessions that it met.
    pub sessions: Vec<RevokedSession>,
    /// From the order to the last cut, in microseconds.
    pub elapsed_us: u64,
}

/// What it did to one session.
#[derive(Debug)]
pub struct RevokedSession {
    /// The session as it is now.
    pub session: Arc<Session>,
    /// What was cut.
    pub cut: Cut,
    /// Tokens that verifiers will accept until they end.
    pub outstanding: usize,
    /// When the last of them ends: seconds since the Unix epoch.
    pub outstanding_until: Option<u64>,
    /// Why the change will not outlive the broker, where the disk refused it.
    pub not_durable: Option<LedgerError>,
}

/// Sessions for an admin or auditor.
pub async fn list(
    broker: &Broker,
    _authority: &Authority,
    filter: SessionFilter,
) -> Result<Vec<Arc<Session>>, Refusal> {
    let listed = broker.ports.sessions.list(filter).await;
    listed.map_err(|error| ledger_refusal(&error))
}

/// Whether nothing of it ever left the broker but through the session's own proxy, which is closed.
fn ends_with_its_door(broker: &Broker, lease: &Lease) -> bool {
    let credential = broker.settings.credentials.find(lease.credential.as_str());
    credential.is_some_and(|credential| {
        matches!(credential.source, SourceKind::Static | SourceKind::Network)
    })
}

/// Revokes what `target` means. When this returns, every local path of those sessions refuses and
/// everything that was open has ended.
pub async fn revoke(
    broker: &Broker,
    authority: &Authority,
    account: &AccountName,
    target: RevokeTarget,
    reason: &str,
) -> Result<RevokeReport, Refusal> {
    if !authority.may_revoke {
        let refusal = Refusal::new(Code::NotAdmin);
        note_refusal(broker, account, "revoke", &refusal).await?;
        return Err(refusal);
    }
    let begun = broker.now();
    let reason = printable(reason, REASON);
    let live = list(broker, authority, SessionFilter::Live).await?;
    let met: Vec<_> = live.into_iter().filter(|s| target.means(s)).collect();
    if let (RevokeTarget::Session(id), true) = (&target, met.is_empty()) {
        return Err(not_live(broker, *id));
    }
    let by = format!(
        "{} at {}",
        authority.user.id.subject, authority.user.id.issuer
    );
    let mut closing = Vec::with_capacity(met.len());
    for session in met {
        let Some(next) = session.revoke(by.clone(), reason.clone()) else {
            continue;
        };
        closing.push(begin(broker, &session, next).await?);
    }
    // No agent that is slow to go keeps another one's authority alive.
    let mut sessions = Vec::with_capacity(closing.len());
    for (session, cut, durable) in closing {
        sessions.push((session, cut.await, durable));
    }
    let now = broker.now();
    let elapsed_us = now.boot_us.saturating_sub(begun.boot_us);
    let order = Event::RevocationOrdered {
        by: authority.user.id.clone(),
        target: target.describe(),
        reason,
        sessions: sessions.len() as u64,
    };
    // After the cuts, which do not wait for it; what a failure here loses stands in each session's own
    // record too.
    drop(broker.record(order).await);
    let mut reports = Vec::with_capacity(sessions.len());
    for (session, cut, durable) in sessions {
        reports.push(report(broker, session, cut, durable, now).await);
    }
    Ok(RevokeReport {
        sessions: reports,
        elapsed_us,
    })
}

async fn report(
    broker: &Broker,
    session: Arc<Session>,
    cut: Cut,
    durable: Result<(), LedgerError>,
    now: Moment,
) -> RevokedSession {
    let leases = broker
        .ports
        .sessions
        .leases(session.id, now.unix_seconds())
        .await
        .unwrap_or_default();
    let mut outstanding = 0;
    let mut outstanding_until = None;
    let given = leases
        .iter()
        .filter(|lease| !ends_with_its_door(broker, lease));
    for lease in given {
        let retracted = broker.ports.sources.revoke(lease).await;
        let until = match retracted {
            Ok(Retraction::Revoked) => continue,
            Ok(Retraction::EndsAt(until)) => until,
            Err(_) => lease.expires,
        };
        outstanding += 1;
        outstanding_until = outstanding_until.max(Some(until));
    }
    let (session, not_durable) = match durable {
        // It ended in another way first, durably; shown as what it is.
        Err(LedgerError::SessionGone) => {
            let found = broker.ports.sessions.load(session.id);
            (found.unwrap_or(session), None)
        }
        durable => (session, durable.err()),
    };
    RevokedSession {
        session,
        cut,
        outstanding,
        outstanding_until,
        not_durable,
    }
}

fn not_live(broker: &Broker, id: SessionId) -> Refusal {
    match broker.ports.sessions.load(id) {
        Some(session) => Refusal::new(Code::UnknownSession).saying(format!(
            "the session is over already: {}",
            session.state.id()
        )),
        None => Code::UnknownSession.into(),
    }
}
