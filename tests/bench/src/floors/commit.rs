//! One durable commit: SQLite in WAL mode with `synchronous = FULL`, one row of a record's size.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::Measured;

/// A typical record, in bytes.
const RECORD: usize = 700;

/// A database of its own.
pub(crate) struct Commits {
    db: Connection,
    record: String,
    next: i64,
}

impl Commits {
    /// Makes it in `folder`, which is to be on the disk that the broker's is on.
    pub(crate) fn new(folder: &Path) -> Measured<Self> {
        let db = Connection::open(folder.join("floor.db"))?;
        db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        db.pragma_update(None, "synchronous", "full")?;
        db.execute_batch(
            "CREATE TABLE records (sequence INTEGER PRIMARY KEY, record TEXT, hash BLOB) STRICT",
        )?;
        Ok(Self {
            db,
            record: "r".repeat(RECORD),
            next: 1,
        })
    }

    /// One transaction of one insert.
    pub(crate) fn commit(&mut self) -> Measured<()> {
        let sql = "INSERT INTO records (sequence, record, hash) VALUES (?1, ?2, ?3)";
        let mut insert = self.db.prepare_cached(sql)?;
        insert.execute(params![self.next, self.record, [0_u8; 32]])?;
        self.next += 1;
        Ok(())
    }
}
