//! The ports and the settings, together: what every use case is given.

use valetkey_codes::Code;

use crate::{
    Event, Moment, Record, Refusal, RequestId, SessionId, Settings, Trial, flow::ledger_refusal,
    ports::Ports, record::SealedRecord,
};

/// The broker, as the use cases see it.
#[derive(Clone)]
pub struct Broker {
    /// The outside world.
    pub ports: Ports,
    /// What the configuration settles.
    pub settings: Settings,
    /// What the host said of itself when the broker started, for `valetkey doctor`.
    pub host: Vec<crate::doctor::Finding>,
    /// Requirements that are told and not yet enforced.
    pub trial: Option<Trial>,
}

impl Broker {
    /// A fresh id for a request.
    pub fn request_id(&self) -> RequestId {
        RequestId::new(self.ports.clock.now(), &*self.ports.entropy)
    }

    /// Records an event that belongs to no session, durably.
    pub async fn record(&self, event: Event) -> Result<(), Refusal> {
        let sealed = seal(Record {
            at: self.ports.clock.now().unix_ms,
            request: None,
            session: None,
            event,
        })?;
        let stored = self.ports.ledger.record(sealed).await;
        stored.map(drop).map_err(|error| ledger_refusal(&error))
    }

    /// Records what takes nothing and gives nothing: where the ledger fails, what was decided stands.
    pub(crate) async fn record_anyway(&self, record: Record) {
        if let Ok(sealed) = SealedRecord::new(record) {
            // The ledger tells the log of its own failures; a refusal stays a refusal without it.
            drop(self.ports.ledger.record(sealed).await);
        }
    }

    /// Whether anything is given at all just now: no lock is held and the requirements have not ended.
    pub fn open(&self) -> Result<(), Code> {
        let held = self.ports.locks.held();
        let ended = self.settings.requirements_expire;
        if held.admin.is_some() {
            Err(Code::LockedByAdmin)
        } else if held.owner.is_some() {
            Err(Code::Locked)
        } else if ended.is_some_and(|ended| ended <= self.now().unix_seconds()) {
            Err(Code::RequirementsExpired)
        } else {
            Ok(())
        }
    }

    /// The same, of what happened to a session.
    pub(crate) async fn record_about(&self, session: SessionId, event: Event) {
        self.record_anyway(Record {
            at: self.now().unix_ms,
            request: None,
            session: Some(session),
            event,
        })
        .await;
    }

    pub(crate) fn now(&self) -> Moment {
        self.ports.clock.now()
    }
}

pub(crate) fn seal(record: Record) -> Result<SealedRecord, Refusal> {
    SealedRecord::new(record)
        .map_err(|error| Refusal::new(Code::Internal).because(error.to_string()))
}
