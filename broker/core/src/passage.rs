//! What a session's proxy does in its stead: it asks for leave, borrows values, and tells what passed.
//!
//! Leave to reach an origin, and a value to put into requests, are asked for by the one way in which
//! everything is asked for, [`crate::flow`]. Whether a single request may pass is asked of the policies
//! alone, thousands of times a second: what passed is recorded in batches.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    Audience, Broker, Caller, Credential, CredentialName, Event, LIFETIME_DEFAULT, Passed, Refusal,
    ScopeSet, SessionId, Tier, flow,
    network::{Origin, Target},
    ports::Question,
    request::{Ask, Received, Released, Wanted},
    text::printable,
};

/// Longest target that a refusal's record keeps, in characters.
const KEPT: usize = 300;

/// Asks for leave to do what `target` says: to be used until the lease ends.
pub async fn leave(
    broker: &Broker,
    session: SessionId,
    caller: &Arc<Caller>,
    target: &Target,
) -> Result<Released, Refusal> {
    let ask = Ask {
        credential: Credential::NETWORK.to_owned(),
        scopes: vec![target.scope().to_owned()],
        audience: Some(audience(target)?.into()),
        wanted: Wanted::Use,
        ..Ask::default()
    };
    ask_for(broker, session, caller, ask).await
}

/// Asks for the value of a credential, to be put into requests to `origin` until the lease ends.
pub async fn borrow(
    broker: &Broker,
    session: SessionId,
    caller: &Arc<Caller>,
    (credential, scope): (&CredentialName, &str),
    origin: &Origin,
) -> Result<Released, Refusal> {
    let ask = Ask {
        credential: credential.to_string(),
        scopes: vec![scope.to_owned()],
        audience: Some(origin.to_string()),
        wanted: Wanted::Use,
        ..Ask::default()
    };
    ask_for(broker, session, caller, ask).await
}

async fn ask_for(
    broker: &Broker,
    session: SessionId,
    caller: &Arc<Caller>,
    ask: Ask,
) -> Result<Released, Refusal> {
    let request = broker.request_id();
    let received = Received::new(request, session, Arc::clone(caller), ask);
    let asked = flow::token(broker, received).await;
    asked.map_err(|refusal| refusal.of(request))
}

/// What the policies say of one request, where they say it at once: `true` where it may pass with nobody
/// asked. Otherwise [`leave`] says why not, asks whom it must, and has it on record.
pub fn passes_at_once(broker: &Broker, id: SessionId, target: &Target) -> Result<bool, Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    session.serves(broker.now())?;
    broker.open()?;
    let credentials = &broker.settings.credentials;
    let network = credentials.find(Credential::NETWORK).ok_or(Code::Denied)?;
    let Ok(scopes) = ScopeSet::parse([target.scope()]) else {
        return Err(Code::Denied.into());
    };
    let audience = audience(target)?;
    let verdict = broker.ports.policy.decide(&Question {
        session: &session,
        credential: &network,
        scopes: &scopes,
        audience: &audience,
        lifetime: LIFETIME_DEFAULT,
    });
    // An engine that fails is looked at again, and refused on record, by the flow.
    Ok(verdict.is_ok_and(|verdict| verdict.tier.max(network.min_tier) == Tier::Auto))
}

/// Whether the session may do anything just now.
pub fn is_open(broker: &Broker, session: SessionId) -> Result<(), Refusal> {
    let known = broker.ports.sessions.load(session);
    known.ok_or(Code::UnknownSession)?.usable(broker.now())?;
    Ok(broker.open()?)
}

/// Records what passed.
pub async fn used(broker: &Broker, session: SessionId, passed: Vec<Passed>) {
    broker
        .record_about(session, Event::NetworkUsed { passed })
        .await;
}

/// Records what the proxy refused by itself.
pub async fn refused(broker: &Broker, session: SessionId, target: &str, refusal: &Refusal) {
    let event = Event::NetworkRefused {
        target: printable(target, KEPT),
        code: refusal.code().id().to_owned(),
        detail: refusal.detail().map(str::to_owned),
    };
    broker.record_about(session, event).await;
}

fn audience(target: &Target) -> Result<Audience, Refusal> {
    target.audience().map_err(|_| {
        Refusal::new(Code::RequestTooLarge)
            .saying("a URL without its query has 512 bytes at most here")
    })
}
