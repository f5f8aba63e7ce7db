//! The walk over the whole ledger that finds what was done to it.
//!
//! | done to the file | found because |
//! |---|---|
//! | a record or its hash edited | the hash does not follow from the record and the one before |
//! | one edited and every later hash computed anew | a checkpoint after it has another hash |
//! | removed from the middle | a place is missing; renumbered: places are part of the hashes |
//! | two swapped, one inserted | the same |
//! | the end cut off, its checkpoints too | the keyring knows how long the ledger was; sessions and leases speak of records that are not there; a broker that runs remembers its last record |
//! | a checkpoint forged | it is not signed by the keyring's key |
//! | the whole file replaced | the keyring vouches for a ledger that is gone |
//! | the row of a session, a login, an approval or a lock edited, set back, put in or removed | the last record of its subject is bound to another row, or there is none |
//! | that record edited, removed or made the last | it is a record: see above |
//!
//! Whoever opens the store does not walk the chain but for its end: a row that is not bound to the last
//! record of its subject, or whose record does not hang in the chain (`link`), lends nothing, and where
//! it is the row of a lock, the lock is held. Of what does not verify near the end (`tail`) it is taken
//! that it told of something later. A row that was set back with later records from before that, with
//! the last ones removed, or with every hash from there on computed anew, is found here only.
//!
//! Not found: a cut behind the last checkpoint, made while no broker runs, that also sets the rows
//! and leases back. `Verification::anchored` says how far the ledger is beyond even that.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Rows};
use valetkey_core::ports::{Fault, LedgerError, Verification};

use crate::{
    Store,
    anchor::Anchor,
    bound::Bound,
    chain::{Hash, Head, LedgerId},
    rows::Brought,
    signature::Checkpoint,
};

/// Most faults that are told one by one.
const FAULTS: usize = 1000;

const RECORDS: &str =
    "SELECT sequence, record, hash, subject, bound FROM records ORDER BY sequence";
const CHECKPOINTS: &str = "SELECT sequence, hash, at, signature FROM checkpoints ORDER BY sequence";
/// Rows that came with a record, and the record that they came with.
const WITNESSES: &str = "SELECT 'a session', max(changed) FROM sessions
    UNION ALL SELECT 'a login', max(changed) FROM logins
    UNION ALL SELECT 'an approval', max(changed) FROM approvals
    UNION ALL SELECT 'a lock', max(changed) FROM locks
    UNION ALL SELECT 'a lease', max(sequence) FROM leases";

impl Store {
    pub(crate) async fn walk(&self) -> Result<Verification, LedgerError> {
        // No checkpoint is made meanwhile, so that the keyring and the file are of one time.
        let _vouched = self.vouched.lock().await;
        let mut unknown = Vec::new();
        let anchor = match Anchor::read(&*self.options.secrets).await {
            Ok(anchor) => Some(anchor),
            Err(error) => {
                unknown.push(format!(
                    "{error}, so neither the signatures of the checkpoints nor the end of the ledger were checked"
                ));
                None
            }
        };
        let (ledger, remembered) = (self.ledger, self.head());
        let walked = self.readers.read_all(move |db| {
            // One moment of the file for every question.
            let _snapshot = db.unchecked_transaction()?;
            Inspection {
                ledger,
                remembered,
                anchor: anchor.as_ref(),
            }
            .run(db)
        });
        let mut verification = walked.await?;
        verification.unknown = unknown;
        let noticed = self.shared.noticed.lock();
        let noticed = noticed.unwrap_or_else(std::sync::PoisonError::into_inner);
        for fault in noticed.iter() {
            if !verification.faults.contains(fault) {
                verification.faults.push(fault.clone());
            }
        }
        verification.faults.sort_by_key(|fault| fault.sequence);
        Ok(verification)
    }
}

struct Inspection<'a> {
    ledger: LedgerId,
    /// The last record, as this process knows it.
    remembered: Head,
    /// The keyring's entry: `None` where it could not be read, `Some(None)` where there is none.
    anchor: Option<&'a Option<Anchor>>,
}

impl Inspection<'_> {
    fn run(&self, db: &Connection) -> rusqlite::Result<Verification> {
        let mut walk = Walk::from(Head::genesis(self.ledger));
        let checkpoints = checkpoints(db, &mut walk)?;
        for checkpoint in &checkpoints {
            let vouches = self.vouches(checkpoint, &mut walk);
            walk.expect(checkpoint.head, "a checkpoint", vouches);
        }
        self.expect_what_the_keyring_knows(&mut walk);
        walk.expect(self.remembered, "the running broker", false);

        let mut statement = db.prepare(RECORDS)?;
        let mut rows = statement.query([])?;
        walk.all(&mut rows)?;
        walk.finish();
        witnesses(db, &mut walk)?;
        let (brought, end) = (std::mem::take(&mut walk.brought), walk.last.sequence);
        brought.compare(db, end, |sequence, what| walk.fault(sequence, what))?;
        Ok(Verification {
            records: walk.records,
            checkpoints: checkpoints.len() as u64,
            anchored: walk.anchored,
            head: walk.last.hash.to_string(),
            faults: walk.faults,
            unknown: Vec::new(),
        })
    }

    /// Whether the keyring's key signed it. Where there is no key to ask, the hash still counts as
    /// something that the ledger must agree with.
    fn vouches(&self, checkpoint: &Checkpoint, walk: &mut Walk) -> bool {
        let sequence = checkpoint.head.sequence;
        match self.anchor {
            None => false,
            Some(Some(anchor)) if checkpoint.is_by(&anchor.key, self.ledger) => true,
            Some(Some(_)) => {
                walk.fault(
                    sequence,
                    "its checkpoint is not signed by the keyring's key",
                );
                false
            }
            Some(None) => {
                walk.fault(
                    sequence,
                    "it has a checkpoint, but the keyring has no key for any",
                );
                false
            }
        }
    }

    fn expect_what_the_keyring_knows(&self, walk: &mut Walk) {
        let marks = self
            .anchor
            .and_then(Option::as_ref)
            .map(|anchor| &anchor.marks);
        for mark in marks.into_iter().flatten() {
            if mark.ledger == self.ledger {
                walk.expect(mark.head, "the keyring", true);
            } else {
                let (ledger, records) = (mark.ledger, mark.head.sequence);
                walk.fault(0, format_args!(
                    "the keyring vouches for ledger {ledger} with {records} records, and this file is not that ledger; where that is meant, remove the keyring's entry `{}`",
                    valetkey_core::ports::SecretKey::Ledger
                ));
            }
        }
    }
}

fn checkpoints(db: &Connection, walk: &mut Walk) -> rusqlite::Result<Vec<Checkpoint>> {
    let mut statement = db.prepare(CHECKPOINTS)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let sequence = row.get::<_, i64>(0)?.unsigned_abs();
        match Hash::from_slice(bytes(row, 1)) {
            Some(hash) => found.push(Checkpoint {
                head: Head { sequence, hash },
                at: row.get::<_, i64>(2)?.unsigned_abs(),
                signature: bytes(row, 3).to_vec(),
            }),
            None => walk.fault(sequence, "its checkpoint has no hash"),
        }
    }
    Ok(found)
}

fn witnesses(db: &Connection, walk: &mut Walk) -> rusqlite::Result<()> {
    let mut statement = db.prepare(WITNESSES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (witness, place): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        let place = place.unwrap_or(0).unsigned_abs();
        if place > walk.last.sequence {
            walk.fault(
                place,
                format_args!("{witness} speaks of it, but the ledger ends before it"),
            );
        }
    }
    Ok(())
}

fn bytes<'a>(row: &'a Row<'_>, column: usize) -> &'a [u8] {
    let value = row.get_ref(column).ok();
    value
        .and_then(|value| value.as_bytes().ok())
        .unwrap_or_default()
}

/// A row, whatever was done to it.
pub(crate) struct Stored<'a> {
    pub(crate) sequence: i64,
    pub(crate) record: &'a [u8],
    hash: Option<Hash>,
    pub(crate) bound: Option<Bound>,
}

impl<'a> Stored<'a> {
    /// From a row of `sequence, record, hash, subject, bound`.
    pub(crate) fn read(row: &'a Row<'_>) -> Self {
        Self {
            sequence: row.get(0).unwrap_or(0),
            record: bytes(row, 1),
            hash: Hash::from_slice(bytes(row, 2)),
            bound: Bound::read(row, 3, 4),
        }
    }

    /// What the ledger says it was up to here; `None` where that is no place or no hash.
    pub(crate) fn head(&self) -> Option<Head> {
        let sequence = u64::try_from(self.sequence).ok()?;
        let hash = self.hash?;
        Some(Head { sequence, hash })
    }
}

/// Something that knew the head of the ledger once.
struct Expected {
    hash: Hash,
    by: &'static str,
    vouches: bool,
}

/// From record to record. After a fault it goes on with what is stored, so that one change is told
/// once.
pub(crate) struct Walk {
    pub(crate) last: Head,
    records: u64,
    expected: BTreeMap<u64, Vec<Expected>>,
    anchored: u64,
    brought: Brought,
    pub(crate) faults: Vec<Fault>,
}

impl Walk {
    pub(crate) fn from(start: Head) -> Self {
        Self {
            last: start,
            records: 0,
            expected: BTreeMap::new(),
            anchored: 0,
            brought: Brought::default(),
            faults: Vec::new(),
        }
    }

    fn expect(&mut self, head: Head, by: &'static str, vouches: bool) {
        if head.sequence > 0 {
            self.expected
                .entry(head.sequence)
                .or_default()
                .push(Expected {
                    hash: head.hash,
                    by,
                    vouches,
                });
        }
    }

    pub(crate) fn all(&mut self, rows: &mut Rows<'_>) -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            self.step(Stored::read(row));
        }
        Ok(())
    }

    /// Begins at a record in the middle: what is before it is not looked at. Whether it could.
    pub(crate) fn begin(&mut self, stored: Stored<'_>) -> bool {
        match stored.head() {
            Some(head) if head.sequence > 1 => {
                self.records += 1;
                self.last = head;
            }
            None if stored.sequence > 1 => {
                self.fault(stored.sequence.unsigned_abs(), "its hash is not a hash")
            }
            _ => self.step(stored),
        }
        self.last.sequence > 0
    }

    fn step(&mut self, stored: Stored<'_>) {
        self.records += 1;
        let Some(sequence) = u64::try_from(stored.sequence)
            .ok()
            .filter(|place| *place > 0)
        else {
            self.fault(
                0,
                format_args!("a record stands at place {}", stored.sequence),
            );
            return;
        };
        let next = self.last.then(stored.record, stored.bound.as_ref());
        if sequence > next.sequence {
            let last_missing = sequence - 1;
            let words = if last_missing == next.sequence {
                "it is missing".to_owned()
            } else {
                format!("records {} to {last_missing} are missing", next.sequence)
            };
            self.fault(next.sequence, words);
        } else if stored.hash.is_none() {
            self.fault(sequence, "its hash is not a hash");
        } else if stored.hash != Some(next.hash) {
            self.fault(
                sequence,
                "it does not follow from the one before: the record, its place or a hash was changed",
            );
        }
        let hash = stored.hash.unwrap_or(next.hash);
        self.last = Head { sequence, hash };
        if let Some(bound) = stored.bound {
            self.brought.by(sequence, bound);
        }
        self.compare();
    }

    /// Whoever knew the head when it was here must have seen the same.
    fn compare(&mut self) {
        let Head { sequence, hash } = self.last;
        for expected in self.expected.remove(&sequence).into_iter().flatten() {
            if expected.hash != hash {
                let by = expected.by;
                self.fault(
                    sequence,
                    format_args!(
                        "{by} knew another ledger up to here: it or a record before it was replaced"
                    ),
                );
            } else if expected.vouches {
                self.anchored = sequence;
            }
        }
    }

    /// What is expected beyond the end was cut off.
    fn finish(&mut self) {
        let end = self.last.sequence;
        for (sequence, expected) in std::mem::take(&mut self.expected) {
            for Expected { by, .. } in expected {
                let missing = if sequence > end {
                    format!("{by} knows of it, but the ledger ends at record {end}")
                } else {
                    format!("{by} knows of it, but it is missing")
                };
                self.fault(sequence, missing);
            }
        }
    }

    fn fault(&mut self, sequence: u64, what: impl std::fmt::Display) {
        match self.faults.len() {
            told if told < FAULTS => self.faults.push(Fault {
                sequence,
                what: what.to_string(),
            }),
            FAULTS => self.faults.push(Fault {
                sequence,
                what: "more is wrong from here on than is told one by one".to_owned(),
            }),
            _ => {}
        }
    }
}
