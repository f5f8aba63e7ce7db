//! The port that keeps the locks of the machine.

use rusqlite::{Connection, OptionalExtension as _, types::ValueRef};
use valetkey_core::{
    Lock, LockHolder, Locked, Record,
    ports::{Answer, LedgerError, Locks},
    record::SealedRecord,
};

use crate::{
    Store,
    bound::Subject,
    chain::Hash,
    error::{ledger_error, unwritable},
    job::Change,
};

const ROW: &str = "SELECT changed, lock FROM locks WHERE holder = ?1";
const LAST: &str = "SELECT sequence, bound, record FROM records WHERE subject = ?1
    ORDER BY sequence DESC LIMIT 1";

/// What a lock says whose row and record contradict each other.
const CONTRADICTED: &str = "its stored row is not as its last record left it, so it counts as held; run `valetkey audit verify`, then lift it";

/// What is held, for the memory of a store that opens.
pub(crate) fn held(db: &Connection) -> rusqlite::Result<Locked> {
    Ok(Locked {
        owner: one(db, LockHolder::Owner)?,
        admin: one(db, LockHolder::Admin)?,
    })
}

/// No lock is held where neither its row nor its last record says so. Wherever the two are not of one
/// mind it is held: whoever takes its row away has not lifted it.
fn one(db: &Connection, holder: LockHolder) -> rusqlite::Result<Option<Lock>> {
    let row = db
        .prepare(ROW)?
        .query_row([holder.id()], |row| {
            let json = row.get_ref(1)?.as_bytes().unwrap_or_default();
            Ok((row.get::<_, i64>(0)?, json.to_vec()))
        })
        .optional()?;
    let last = db
        .prepare(LAST)?
        .query_row([Subject::lock(holder)], |row| {
            let (bound, record) = (row.get_ref(1)?, row.get_ref(2)?);
            let left = match bound {
                ValueRef::Null => Left::Nothing,
                other => Left::Row(other.as_bytes().ok().and_then(Hash::from_slice)),
            };
            let record = serde_json::from_slice::<Record>(record.as_bytes().unwrap_or_default());
            let at = record.map_or(0, |record| record.at);
            Ok((row.get::<_, i64>(0)?, left, at))
        })
        .optional()?;
    let since = match (row, last) {
        (None, None | Some((_, Left::Nothing, _))) => return Ok(None),
        (Some((changed, json)), Some((sequence, Left::Row(Some(bound)), at))) => {
            let as_left = changed == sequence && bound == Hash::of(&[&json]);
            if let (true, Ok(lock)) = (as_left, serde_json::from_slice(&json)) {
                return Ok(Some(lock));
            }
            at
        }
        (_, last) => last.map_or(0, |(_, _, at)| at),
    };
    tracing::error!(
        holder = holder.id(),
        "a stored lock is not as its last record left it and counts as held; run `valetkey audit verify`"
    );
    Ok(Some(Lock {
        by: None,
        reason: CONTRADICTED.to_owned(),
        since,
    }))
}

/// What a record left of the row.
enum Left {
    Nothing,
    /// A row with this hash, where that is one.
    Row(Option<Hash>),
}

impl Locks for Store {
    fn held(&self) -> Locked {
        self.shared.held.shown()
    }

    fn set(
        &self,
        holder: LockHolder,
        lock: Option<Lock>,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let json = lock.as_ref().map(serde_json::to_string).transpose();
            let stored = self.shared.held.in_order(holder, lock, |taken| {
                let lock = json.map_err(unwritable)?;
                Ok(self.queue.submit(Change::Lock {
                    holder,
                    lock,
                    taken,
                    record,
                }))
            });
            stored?.await.map(drop).map_err(ledger_error)
        })
    }
}
