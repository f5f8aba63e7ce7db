//! A caller that the kernel described, and what it asked for, unread.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{Ask, Identified};
use crate::{
    Caller, CallerFacts, Event, Moment, Record, Refusal, RequestId, Session, SessionId,
    ports::Callers, text::printable,
};

/// Longest part of an ask that a refusal's record keeps, in characters.
const KEPT: usize = 200;

/// The first state of a request.
#[derive(Debug)]
pub struct Received {
    id: RequestId,
    session: SessionId,
    caller: Arc<Caller>,
    ask: Ask,
}

impl Received {
    /// A request that came through the socket of `session`.
    pub const fn new(id: RequestId, session: SessionId, caller: Arc<Caller>, ask: Ask) -> Self {
        Self {
            id,
            session,
            caller,
            ask,
        }
    }

    /// Its id.
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// The session whose socket it came through.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Step 2: the socket says which session; the kernel's facts must satisfy what it is pinned to.
    pub fn identify(
        self,
        session: Arc<Session>,
        owner: u32,
        callers: &dyn Callers,
        now: Moment,
    ) -> Result<Identified, Refusal> {
        admit(&session, &self.caller, owner, callers)?;
        session.serves(now)?;
        Ok(Identified::new(self.id, session, self.caller, self.ask))
    }

    /// The record of this request's refusal, made beforehand because the states consume each other.
    pub(crate) fn refusal_record(&self) -> impl FnOnce(&Refusal, Moment) -> Record + use<> {
        let (request, session) = (self.id, self.session);
        let caller = CallerFacts::from(self.caller.as_ref());
        let credential = printable(&self.ask.credential, KEPT);
        let scopes = printable(&self.ask.scopes.join(" "), KEPT);
        let audience = self.ask.audience.as_deref();
        let audience = audience.map(|audience| printable(audience, KEPT));
        let lifetime = self.ask.lifetime;
        move |refusal, now| Record {
            at: now.unix_ms,
            request: Some(request),
            session: Some(session),
            event: Event::TokenRefused {
                code: refusal.code().id().to_owned(),
                detail: refusal.detail().map(str::to_owned),
                credential,
                scopes,
                audience,
                lifetime,
                approval: refusal.approval(),
                caller,
            },
        }
    }
}

/// Whether `caller` may speak on the session's socket at all. Asked for every request of every kind.
pub(crate) fn admit(
    session: &Session,
    caller: &Caller,
    owner: u32,
    callers: &dyn Callers,
) -> Result<(), Refusal> {
    if caller.uid != owner {
        return Err(Refusal::new(Code::CallerRefused)
            .because(format!("uid {} is not the owner's", caller.uid)));
    }
    if !session.pins.is_empty() {
        callers
            .satisfies(caller, &session.pins)
            .map_err(|mismatch| Refusal::new(Code::CallerRefused).because(mismatch.to_string()))?;
    }
    Ok(())
}
