//! The end of the ledger, as a store finds it that opens: whether it verifies, and what
//! may have been edited away in it.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _};
use valetkey_core::{Event, Record, SessionId, ports::Fault};

use crate::{
    chain::{Head, LedgerId},
    key,
    verify::{Stored, Walk},
};

/// How many of the last records are looked at.
const LENGTH: u32 = 64;

const LAST: &str = "SELECT sequence, record, hash, subject, bound FROM
    (SELECT sequence, record, hash, subject, bound FROM records ORDER BY sequence DESC LIMIT ?1)
    ORDER BY sequence";
const RECORD: &str = "SELECT record FROM records WHERE sequence = ?1";

/// What is there.
pub(crate) struct Tail {
    /// The last record.
    pub(crate) head: Head,
    /// What does not verify among the last few.
    pub(crate) faults: Vec<Fault>,
}

/// What does not verify may be of a lock, or of a session or an approval of it that something later said
/// otherwise about. What was recorded behind it settles that.
#[derive(Default)]
pub(crate) struct Doubts {
    /// The last place of a record that is of a lock or cannot be read.
    pub(crate) lock: Option<u64>,
    /// The last place of a record that names the session.
    sessions: HashMap<SessionId, u64>,
}

impl Doubts {
    /// Whether the record at `place` is the last word on something of the session; says in the log where
    /// it may not be.
    pub(crate) fn spare(&self, session: SessionId, place: Option<u64>) -> bool {
        let doubted = self.sessions.get(&session);
        let spared = doubted.is_none_or(|doubted| place > Some(*doubted));
        if !spared {
            tracing::error!(
                %session,
                "a later record of this session does not verify, so what was stored before it lends nothing; run `valetkey audit verify`"
            );
        }
        spared
    }

    pub(crate) fn sessions(self) -> HashSet<SessionId> {
        self.sessions.into_keys().collect()
    }
}

impl Tail {
    /// Says in the log what is wrong.
    pub(crate) fn read(db: &Connection, ledger: LedgerId) -> rusqlite::Result<Self> {
        let mut statement = db.prepare(LAST)?;
        let mut walk = Walk::from(Head::genesis(ledger));
        let mut rows = statement.query([LENGTH])?;
        while let Some(row) = rows.next()? {
            if walk.begin(Stored::read(row)) {
                break;
            }
        }
        walk.all(&mut rows)?;
        for Fault { sequence, what } in &walk.faults {
            tracing::error!(sequence, what, "the end of the ledger does not verify");
        }
        Ok(Self {
            head: walk.last,
            faults: walk.faults,
        })
    }

    /// What the records that do not verify may have been about.
    pub(crate) fn doubts(&self, db: &Connection) -> rusqlite::Result<Doubts> {
        let mut statement = db.prepare(RECORD)?;
        let mut doubts = Doubts::default();
        for place in self.suspects() {
            let json: Option<Vec<u8>> = statement
                .query_row([key::integer(place)?], |row| {
                    Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec())
                })
                .optional()?;
            let record = json.and_then(|json| serde_json::from_slice::<Record>(&json).ok());
            let of_a_lock = record.as_ref().is_none_or(|record| {
                let event = &record.event;
                matches!(
                    event,
                    Event::MachineLocked { .. } | Event::MachineUnlocked { .. }
                )
            });
            if of_a_lock {
                doubts.lock = doubts.lock.max(Some(place));
            }
            if let Some(session) = record.and_then(|record| record.session) {
                let last = doubts.sessions.entry(session).or_default();
                *last = place.max(*last);
            }
        }
        Ok(doubts)
    }

    /// Where a record does not follow from the one before, it may be that one which was
    /// edited, with its hash.
    fn suspects(&self) -> impl Iterator<Item = u64> {
        let places = self.faults.iter().map(|fault| fault.sequence);
        places
            .flat_map(|place| {
                [
                    Some(place),
                    place.checked_sub(1).filter(|before| *before > 0),
                ]
            })
            .flatten()
    }
}
