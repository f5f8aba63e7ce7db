//! What a session may ask for.

use std::sync::Arc;

use crate::{
    Broker, Caller, Credential, LIFETIME_DEFAULT, Refusal, ScopeSet, Session, SessionId,
    ports::{Question, Tier},
    request::admit,
};

use valetkey_codes::Code;

/// One credential, as far as the session may use it.
#[derive(Debug)]
pub struct Offer {
    /// The credential.
    pub credential: Arc<Credential>,
    /// Its scopes that are granted at once, each asked for by itself.
    pub scopes: Vec<String>,
}

/// The session behind a socket, for a caller that may know it.
pub fn session(broker: &Broker, id: SessionId, caller: &Caller) -> Result<Arc<Session>, Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    admit(
        &session,
        caller,
        broker.settings.owner,
        &*broker.ports.callers,
    )?;
    session.usable(broker.now())?;
    Ok(session)
}

/// What the session may ask for just now: every scope asked of the policies by itself, for the first
/// audience and the default lifetime. Credentials with none are left out.
pub fn offers(broker: &Broker, session: &Session) -> Vec<Offer> {
    let offers = broker.settings.credentials.iter().map(|credential| Offer {
        credential: Arc::clone(credential),
        scopes: credential
            .scopes
            .iter()
            .filter(|scope| permitted(broker, session, credential, scope))
            .map(str::to_owned)
            .collect(),
    });
    offers.filter(|offer| !offer.scopes.is_empty()).collect()
}

fn permitted(broker: &Broker, session: &Session, credential: &Credential, scope: &str) -> bool {
    let Ok(scopes) = ScopeSet::parse([scope]) else {
        return false;
    };
    let question = Question {
        session,
        credential,
        scopes: &scopes,
        audience: &credential.audiences.first,
        lifetime: LIFETIME_DEFAULT.min(credential.max_lifetime),
    };
    let verdict = broker.ports.policy.decide(&question);
    verdict.is_ok_and(|verdict| verdict.tier == Tier::Auto)
}
