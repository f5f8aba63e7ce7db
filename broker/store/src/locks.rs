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
    chain::{Hash, LedgerId},
    error::{ledger_error, unwritable},
    job::Change,
    link,
};

const ROW: &str = "SELECT changed, lock FROM locks WHERE holder = ?1";
const LAST: &str = "SELECT sequence, bound, record FROM records WHERE subject = ?1
    ORDER BY sequence DESC LIMIT 1";

/// What a lock says whose row and record contradict each other.
const CONTRADICTED: &str = "its stored row is not as its last record left it, so it counts as held; run `valetkey audit verify`, then lift it";

/// What a lock says that may have been taken and edited away.
const HIDDEN: &str = "a record at the end of the ledger that may be of it does not verify, so it counts as held; run `valetkey audit verify`, then lift it";

/// What is held, for the memory of a store that opens. `hidden` is the place of a record that does not
/// verify and may have been of a lock, whoever's: what it says of its holder is as little worth.
pub(crate) fn held(
    db: &Connection,
    ledger: LedgerId,
    hidden: Option<u64>,
) -> rusqlite::Result<Locked> {
    let of = |holder| -> rusqlite::Result<_> {
        let (lock, place) = one(db, ledger, holder)?;
        // Whoever took or lifted it since has settled that.
        let hidden = hidden.filter(|hidden| place.is_none_or(|place| place < *hidden));
        Ok(lock.or_else(|| hidden.map(|_| doubtful(holder, HIDDEN, 0))))
    };
    Ok(Locked {
        owner: of(LockHolder::Owner)?,
        admin: of(LockHolder::Admin)?,
    })
}

/// No lock is held where neither its row nor its last record says so. Wherever the two are not of one
/// mind, or the record is not one of the chain, it is held: whoever takes its row away has not lifted it.
/// With it comes the place of that record.
fn one(
    db: &Connection,
    ledger: LedgerId,
    holder: LockHolder,
) -> rusqlite::Result<(Option<Lock>, Option<u64>)> {
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
    let place = last.as_ref().map(|(place, ..)| *place);
    let in_chain = place.map_or(Ok(true), |place| link::holds(db, ledger, place))?;
    let place = place.and_then(|place| u64::try_from(place).ok());
    let since = match (row, last) {
        (None, None | Some((_, Left::Nothing, _))) if in_chain => return Ok((None, place)),
        (Some((changed, json)), Some((sequence, Left::Row(Some(bound)), at))) => {
            let as_left = in_chain && changed == sequence && bound == Hash::of(&[&json]);
            if let (true, Ok(lock)) = (as_left, serde_json::from_slice(&json)) {
                return Ok((Some(lock), place));
            }
            at
        }
        (_, last) => last.map_or(0, |(_, _, at)| at),
    };
    Ok((Some(doubtful(holder, CONTRADICTED, since)), place))
}

fn doubtful(holder: LockHolder, reason: &str, since: u64) -> Lock {
    let holder = holder.id();
    tracing::error!(holder, reason, "a lock counts as held");
    Lock {
        by: None,
        reason: reason.to_owned(),
        since,
    }
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
