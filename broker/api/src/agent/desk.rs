//! What an agent can ask, whatever form it asks in.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Broker, Caller, Credentials, Refusal, RequestId, Session, SessionId, approvals,
    commands::{CommandRule, Commands},
    flow,
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

    /// Asks for a token, once.
    pub(super) async fn ask(&self, id: RequestId, ask: Ask) -> Result<Released, Refusal> {
        flow::token(self.broker(), self.received(id, ask)).await
    }

    /// Takes back a question of this session.
    pub(super) async fn withdraw(&self, approval: &str) -> Result<(), Refused> {
        let withdraw = async {
            let approval = ApprovalId::parse(approval).ok_or_else(|| {
                Refusal::new(Code::InvalidRequest)
                    .saying("the id of an approval has 32 hexadecimal digits")
            })?;
            let session = self.session_id();
            approvals::withdraw(self.broker(), session, &self.caller, approval).await
        };
        let withdrawn = withdraw.await;
        withdrawn.map_err(|refusal| (refusal, self.reference()))
    }

    /// The session, whether it may ask just now or not until somebody wakes it.
    pub(super) fn session(&self) -> Result<Arc<Session>, Refused> {
        let session = self.session_id();
        match grants::session(self.broker(), session, &self.caller) {
            // Said of a caller that was admitted: it may know how things stand.
            Err(refusal)
                if matches!(refusal.code(), Code::SessionSuspended | Code::SessionHeld) =>
            {
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

    /// Whether the session may ask just now, without asking who wants to know.
    pub(super) fn usable(&self) -> Result<(), Refusal> {
        let broker = self.broker();
        self.load()?.usable(broker.ports.clock.now())?;
        Ok(broker.open()?)
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

    pub(super) fn commands(&self) -> &Commands {
        &self.broker().settings.commands
    }

    /// What stands for a credential in this session's sandbox.
    pub(super) fn placeholder(&self, credential: &str) -> Option<String> {
        let rooms = &self.broker().ports.rooms;
        rooms.placeholder(self.session_id(), credential)
    }

    /// The refusal of a command that no rule is for, or whose rule gives nothing, on the record.
    pub(super) async fn refuse_command(
        &self,
        command: &[String],
        rule: Option<&CommandRule>,
    ) -> Refused {
        let reference = self.reference();
        let refusal = Refusal::new(Code::CommandRefused).because(command.join(" "));
        let refusal = match rule {
            Some(rule) => refusal
                .saying(format!("the command rule `{rule}` refuses this command"))
                .advising("do without it, or ask whoever wrote the rule"),
            None => refusal,
        };
        let received = self.received(reference.request, Ask::default());
        flow::turn_away(self.broker(), &received, &refusal).await;
        (refusal, reference)
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.broker().settings.credentials
    }

    fn received(&self, id: RequestId, ask: Ask) -> Received {
        Received::new(id, self.session_id(), Arc::clone(&self.caller), ask)
    }

    pub(super) fn session_id(&self) -> SessionId {
        self.door.session
    }

    pub(super) fn broker(&self) -> &Broker {
        &self.door.house.broker
    }
}
