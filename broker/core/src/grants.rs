//! What a session may ask for.

use std::sync::Arc;

use crate::{
    Broker, Caller, Credential, LIFETIME_DEFAULT, Refusal, ScopeSet, Session, SessionId, Tier,
    ports::Question, request::admit,
};

use valetkey_codes::Code;

/// One credential, as far as the session may use it.
#[derive(Debug)]
pub struct Offer {
    /// The credential.
    pub credential: Arc<Credential>,
    /// Its scopes that may be asked for, each by itself, with the friction that each meets. The empty
    /// scope stands for a credential that has none.
    pub scopes: Vec<(String, Tier)>,
}

impl Offer {
    /// The scopes that meet this friction.
    pub fn at(&self, tier: Tier) -> Vec<String> {
        let at = self.scopes.iter().filter(|(_, met)| *met == tier);
        at.map(|(scope, _)| scope.clone()).collect()
    }
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
    session.serves(broker.now())?;
    broker.open()?;
    Ok(session)
}

/// What the session may ask for just now: every scope asked of the policies by itself, for the first
/// audience and the default lifetime. Credentials with none are left out.
pub fn offers(broker: &Broker, session: &Session) -> Vec<Offer> {
    let offers = broker.settings.credentials.iter().map(|credential| Offer {
        credential: Arc::clone(credential),
        scopes: asked_one_by_one(credential)
            .map(|scope| {
                (
                    scope.to_owned(),
                    friction(broker, session, credential, scope),
                )
            })
            .filter(|(_, tier)| *tier != Tier::Deny)
            .collect(),
    });
    offers.filter(|offer| !offer.scopes.is_empty()).collect()
}

fn asked_one_by_one(credential: &Credential) -> impl Iterator<Item = &str> {
    let none = credential.scopes.is_empty().then_some("");
    credential.scopes.iter().chain(none)
}

fn friction(broker: &Broker, session: &Session, credential: &Credential, scope: &str) -> Tier {
    let Ok(scopes) = ScopeSet::parse([scope]) else {
        return Tier::Deny;
    };
    let question = Question {
        session,
        credential,
        scopes: &scopes,
        audience: &credential.audiences.first,
        lifetime: LIFETIME_DEFAULT.min(credential.max_lifetime),
    };
    let verdict = broker.ports.policy.decide(&question);
    verdict.map_or(Tier::Deny, |verdict| verdict.tier.max(credential.min_tier))
}
