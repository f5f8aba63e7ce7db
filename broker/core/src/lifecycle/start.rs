//! A session begins.

use std::{path::PathBuf, sync::Arc};

use valetkey_codes::Code;

use crate::{
    AccountName, AgentName, Broker, Event, Pins, ProfileName, Record, Refusal, Session, SessionId,
    SessionState,
    broker::seal,
    flow::ledger_refusal,
    ports::{Freshness, SessionFilter},
    text::printable,
};

/// Longest workspace that is kept, in characters.
const WORKSPACE: usize = 300;

/// What a developer asks for.
#[derive(Clone, Debug)]
pub struct StartSession {
    /// The account that lends its authority.
    pub account: AccountName,
    /// What kind of agent will run.
    pub agent: AgentName,
    /// The folder it works in, to show.
    pub workspace: Option<String>,
    /// Lifetime in seconds; the configured default where there is none.
    pub lifetime: Option<i64>,
    /// What its callers must be.
    pub pins: Pins,
    /// The profile of the sandbox that will be made for it, where one will be: until then nobody speaks
    /// for it.
    pub sandbox: Option<ProfileName>,
}

/// Starts a session: durable first, then its socket. Where the socket cannot be made, the session is
/// ended again.
pub async fn start(broker: &Broker, ask: StartSession) -> Result<(Arc<Session>, PathBuf), Refusal> {
    let profile = ask.sandbox.as_ref();
    if profile.is_some() && broker.settings.profiles.find(profile).is_none() {
        return Err(Code::ProfileForbidden.into());
    }
    let lifetime = lifetime(broker, ask.lifetime)?;
    broker.open()?;
    let live = broker.ports.sessions.list(SessionFilter::Live).await;
    if live.map_err(|error| ledger_refusal(&error))?.len() >= broker.settings.max_live_sessions {
        return Err(Code::TooManySessions.into());
    }
    let user = broker
        .ports
        .logins
        .current(&ask.account, Freshness::Known)
        .await?;
    let now = broker.now();
    let session = Session {
        id: SessionId::new(now, &*broker.ports.entropy),
        account: ask.account,
        user,
        agent: ask.agent,
        workspace: ask.workspace.map(|path| printable(&path, WORKSPACE)),
        pins: Pins {
            pid_namespace: ask.sandbox.as_ref().map(|_| Pins::NOWHERE),
            ..ask.pins
        },
        profile: ask.sandbox,
        started: now,
        deadline: now.after(lifetime),
        state: SessionState::Active,
        forgiven: None,
    };
    let record = seal(Record {
        at: now.unix_ms,
        request: None,
        session: Some(session.id),
        event: Event::SessionStarted {
            profile: session.profile.clone(),
            user: session.user.id.clone(),
            groups: session.user.groups.clone(),
            account: session.account.clone(),
            agent: session.agent.clone(),
            lifetime,
        },
    })?;
    let saved = broker.ports.sessions.save(session.clone(), record).await;
    saved.map_err(|error| ledger_refusal(&error))?;
    match broker.ports.doors.open(session.id) {
        Ok(socket) => Ok((Arc::new(session), socket)),
        Err(error) => {
            super::end(broker, session.id).await?;
            Err(Refusal::new(Code::Internal).because(error.to_string()))
        }
    }
}

fn lifetime(broker: &Broker, asked: Option<i64>) -> Result<u64, Refusal> {
    match asked {
        None => Ok(broker.settings.session_default),
        Some(seconds) => match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Ok(seconds.min(broker.settings.session_max)),
            _ => Err(Refusal::new(Code::InvalidRequest).saying("a lifetime is at least 1 second")),
        },
    }
}
