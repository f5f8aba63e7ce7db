//! The end of the ledger, as a store finds it that opens: whether it verifies, and whether a lock may be
//! hidden in it.

use rusqlite::{Connection, OptionalExtension as _};
use valetkey_core::{Event, Record, ports::Fault};

use crate::{
    chain::{Head, LedgerId},
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

    /// The last place where a lock may have been taken although nothing says so any more: a record there
    /// is of a lock, or cannot be read, and does not verify.
    pub(crate) fn hides_a_lock(&self, db: &Connection) -> rusqlite::Result<Option<u64>> {
        let mut statement = db.prepare(RECORD)?;
        for place in self.suspects() {
            let json: Option<Vec<u8>> = statement
                .query_row([i64::try_from(place).unwrap_or(0)], |row| {
                    Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec())
                })
                .optional()?;
            let record = json.and_then(|json| serde_json::from_slice::<Record>(&json).ok());
            let harmless = record.is_some_and(|record| {
                !matches!(
                    record.event,
                    Event::MachineLocked { .. } | Event::MachineUnlocked { .. }
                )
            });
            if !harmless {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Latest first. Where a record does not follow from the one before, it may be that one which was
    /// edited, with its hash.
    fn suspects(&self) -> impl Iterator<Item = u64> {
        let places = self.faults.iter().rev().map(|fault| fault.sequence);
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
