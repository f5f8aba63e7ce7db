//! Sessions that nobody started, to ask policies about.

use std::collections::BTreeSet;

use valetkey_core::{
    AccountName, AgentName, Boot, Moment, Pins, Session, SessionId, SessionState, User, UserId,
    ports::PolicyError,
};

use crate::facts::failed;

/// The id of a session that no policy names.
const NOBODYS: &str = "00000000000070008000000000000000";

/// A session of this user and agent. Policies see nothing else of one but its id.
pub(crate) fn session(user: User, agent: AgentName) -> Result<Session, PolicyError> {
    let now = Moment {
        unix_ms: 0,
        boot_us: 0,
        boot: Boot(0),
    };
    Ok(Session {
        id: SessionId::parse(NOBODYS).ok_or_else(|| failed("an id is not one"))?,
        account: AccountName::parse("default").map_err(failed)?,
        user,
        agent,
        profile: None,
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(0),
        state: SessionState::Active,
        forgiven: None,
    })
}

/// A user of these groups.
pub(crate) fn user(id: UserId, groups: impl IntoIterator<Item = String>) -> User {
    User {
        display: id.subject.clone(),
        id,
        groups: groups.into_iter().collect::<BTreeSet<_>>(),
    }
}

/// A person that no policy means.
pub(crate) fn nobody() -> UserId {
    UserId {
        issuer: "https://nobody.invalid".to_owned(),
        subject: "nobody".to_owned(),
    }
}
