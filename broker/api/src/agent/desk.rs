//! What an agent can ask, whatever form it asks in.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Broker, Caller, Credentials, Refusal, RequestId, Session, SessionId, flow,
    grants::{self, Offer},
    request::{Ask, Received, Released},
};

use super::door::Door;
use crate::status::Reference;

/// One connection's place at its session's door.
#[derive(Clone)]
pub(super) struct Desk {
    pub door: Arc<Door>,
    caller: Arc<Caller>,
}

/// A refusal with the id that the ledger knows it by.
pub(super) type Refused = (Refusal, Reference);

impl Desk {
    pub(super) const fn new(door: Arc<Door>, caller: Arc<Caller>) -> Self {
        Self { door, caller }
    }

    /// Asks for a token.
    pub(super) async fn token(&self, ask: Ask) -> Result<Released, Refused> {
        let reference = self.reference();
        let received = self.received(reference.request, ask);
        let answer = flow::token(self.broker(), received).await;
        answer.map_err(|refusal| (refusal, reference))
    }

    /// The session, whether it may ask just now or is suspended.
    pub(super) fn session(&self) -> Result<Arc<Session>, Refused> {
        let session = self.session_id();
        match grants::session(self.broker(), session, &self.caller) {
            // Said of a caller that was admitted: it may know how things stand.
            Err(refusal) if refusal.code() == Code::SessionSuspended => {
                self.load().map_err(|refusal| (refusal, self.reference()))
            }
            found => found.map_err(|refusal| (refusal, self.reference())),
        }
    }

    /// What the session may ask for.
    pub(super) fn offers(&self) -> Result<Vec<Offer>, Refused> {
        let session = grants::session(self.broker(), self.session_id(), &self.caller);
        let session = session.map_err(|refusal| (refusal, self.reference()))?;
        Ok(grants::offers(self.broker(), &session))
    }

    /// Whether the session asks too often. Recorded once until it is let through again.
    pub(super) async fn in_time(&self) -> Result<(), Refused> {
        let Some(bucket) = &self.door.bucket else {
            return Ok(());
        };
        let Err(dry) = bucket.take(self.broker().ports.clock.now()) else {
            return Ok(());
        };
        let reference = self.reference();
        let refusal = Refusal::new(Code::TooManyRequests);
        if dry.first {
            tracing::warn!(session = %self.session_id(), "asks too often and is refused until it rests");
            let received = self.received(reference.request, Ask::default());
            flow::turn_away(self.broker(), &received, &refusal).await;
        }
        Err((refusal, reference))
    }

    /// The session as it is, without asking who wants to know.
    pub(super) fn load(&self) -> Result<Arc<Session>, Refusal> {
        let session = self.broker().ports.sessions.load(self.session_id());
        session.ok_or_else(|| Code::UnknownSession.into())
    }

    /// Why the door is closing.
    pub(super) fn parting(&self) -> Refusal {
        let now = self.broker().ports.clock.now();
        match self.load().map(|session| session.usable(now)) {
            Ok(Err(code)) => code.into(),
            Ok(Ok(())) => Code::ShuttingDown.into(),
            Err(refusal) => refusal,
        }
    }

    /// A reference for a request that is about to be refused.
    pub(super) fn reference(&self) -> Reference {
        Reference {
            request: self.broker().request_id(),
            session: Some(self.session_id()),
        }
    }

    /// The wall clock: seconds since the Unix epoch.
    pub(super) fn now_seconds(&self) -> u64 {
        self.broker().ports.clock.now().unix_seconds()
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.broker().settings.credentials
    }

    fn received(&self, id: RequestId, ask: Ask) -> Received {
        Received::new(id, self.session_id(), Arc::clone(&self.caller), ask)
    }

    fn session_id(&self) -> SessionId {
        self.door.session
    }

    fn broker(&self) -> &Broker {
        &self.door.house.broker
    }
}
