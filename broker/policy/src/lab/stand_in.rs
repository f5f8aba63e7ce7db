//! Sessions that nobody started, to ask policies about.

use std::collections::BTreeSet;

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audiences, Boot, Credential, CredentialName, Delivery,
    LIFETIME_CEILING, Moment, Pins, ScopeSet, Session, SessionId, SessionState, SourceKind, Tier,
    User, UserId, network::Target, ports::PolicyError,
};

use crate::facts::failed;

/// The id of a session that no policy names.
const NOBODYS: &str = "00000000000070008000000000000000";

/// A session of this user and agent, without a sandbox. Policies see nothing else of one but its id.
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

/// What stands for leave to use the network, where that target is asked for.
pub(crate) fn network(target: &Target) -> Result<Credential, PolicyError> {
    Ok(Credential {
        name: CredentialName::parse(Credential::NETWORK).map_err(failed)?,
        source: SourceKind::Network,
        scopes: ScopeSet::parse([target.scope()]).map_err(failed)?,
        audiences: Audiences {
            first: target.audience().map_err(failed)?,
            others: Vec::new(),
        },
        max_lifetime: LIFETIME_CEILING,
        algorithm: Algorithm::default(),
        owner: None,
        labels: BTreeSet::new(),
        min_tier: Tier::Auto,
        delivery: Delivery::Pass,
    })
}
