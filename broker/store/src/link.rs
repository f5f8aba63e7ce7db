//! Whether one record hangs in the chain, where nobody has walked all of it.
//!
//! A row is worth what its last record says, and that record is itself only a row that somebody can
//! edit. Its hash follows from it and from the record before, and the hash of the one behind from its
//! own: whoever edits both a row and its record breaks one of the two, unless they compute every later
//! hash anew, which the checkpoints tell `verify`.

use rusqlite::Connection;

use crate::{
    chain::{Head, LedgerId},
    verify::Stored,
};

const NEIGHBOURS: &str = "SELECT sequence, record, hash, subject, bound FROM records
    WHERE sequence BETWEEN ?1 - 1 AND ?1 + 1 ORDER BY sequence";

/// Whether the record at `place` follows from the one before it, and the one behind, where there is
/// one, from it.
pub(crate) fn holds(db: &Connection, ledger: LedgerId, place: i64) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(NEIGHBOURS)?;
    let mut rows = statement.query([place])?;
    let mut before = (place == 1).then(|| Head::genesis(ledger));
    let mut found = false;
    while let Some(row) = rows.next()? {
        let stored = Stored::read(row);
        let Some(head) = stored.head() else {
            return Ok(false);
        };
        let follows =
            before.map(|before| before.then(stored.record, stored.bound.as_ref()) == head);
        if follows == Some(false) {
            return Ok(false);
        }
        if stored.sequence == place {
            // Without the one before, nothing speaks for it.
            found = follows.is_some();
        }
        before = Some(head);
    }
    Ok(found)
}
