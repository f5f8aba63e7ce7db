//! The tables, and which versions of them this code knows.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, params};

use crate::{chain::LedgerId, error::OpenError};

/// `VKEY`: how `file` and SQLite itself know whose file it is.
const APPLICATION: i32 = 0x564b_4559;
/// A change of the tables raises it and brings a migration.
const FORMAT: i32 = 3;
/// Before approvals and locks.
const WITHOUT_DECISIONS: i32 = 2;

/// `told` is for people with the `sqlite3` tool: what they would like to search by is computed from
/// the record when they ask, so it costs nothing when a record is stored and cannot disagree with it.
///
/// A lease is an index into the ledger. `changed` is the place of the record that a row came with:
/// a row that speaks of a record beyond the end tells that the end was cut off. `subject` and `bound`
/// are that record's side of it: whose row, a session's id as BLOB or as TEXT an account, `approval ` and
/// an id, or `lock ` and its holder; and the SHA-256 of what it says, NULL where it went. `room` is empty but for a moment on a full disk.
const TABLES: &str = "
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL
) STRICT;
CREATE TABLE records (
    sequence INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    hash BLOB NOT NULL,
    subject ANY,
    bound BLOB
) STRICT;
CREATE INDEX changes ON records (subject) WHERE subject IS NOT NULL;
CREATE VIEW told AS SELECT
    sequence,
    datetime(json_extract(record, '$.at') / 1000, 'unixepoch') AS at,
    json_extract(record, '$.event') AS event,
    json_extract(record, '$.session') AS session,
    json_extract(record, '$.request') AS request,
    record
FROM records;
CREATE TABLE leases (
    session BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (session, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    id BLOB NOT NULL UNIQUE,
    live INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    session TEXT NOT NULL
) STRICT;
CREATE INDEX live_sessions ON sessions (id) WHERE live = 1;
CREATE TABLE logins (
    account TEXT NOT NULL PRIMARY KEY,
    changed INTEGER NOT NULL,
    login TEXT NOT NULL
) STRICT;
CREATE TABLE checkpoints (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE TABLE room (
    taken BLOB NOT NULL
) STRICT;
";

/// What format 3 added.
const DECISIONS: &str = "
CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    session BLOB NOT NULL,
    changed INTEGER NOT NULL,
    approval TEXT NOT NULL
) STRICT;
CREATE INDEX asked ON approvals (session);
CREATE TABLE locks (
    holder TEXT NOT NULL PRIMARY KEY,
    changed INTEGER NOT NULL,
    lock TEXT NOT NULL
) STRICT;
";

/// Makes the tables where the file is new, brings an older file up to date, and refuses files that are
/// not ours or not of our time.
pub(crate) fn prepare(
    db: &Connection,
    path: &Path,
    fresh_id: impl FnOnce() -> LedgerId,
) -> Result<LedgerId, OpenError> {
    let foreign = || OpenError::Foreign(path.to_owned());
    let number = |pragma| db.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = match number("application_id") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(foreign());
        }
        read => read?,
    };
    match (application, number("user_version")?) {
        (APPLICATION, FORMAT) => {}
        (APPLICATION, WITHOUT_DECISIONS) => add_decisions(db)?,
        (APPLICATION, found) if found > FORMAT => {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        (0, 0) if is_empty(db)? => create(db, fresh_id())?,
        _ => return Err(foreign()),
    }
    let id: [u8; 32] = db.query_row("SELECT id FROM ledger", [], |row| row.get(0))?;
    Ok(LedgerId(id))
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

fn create(db: &Connection, id: LedgerId) -> rusqlite::Result<()> {
    let transaction = db.unchecked_transaction()?;
    db.execute_batch(TABLES)?;
    db.execute_batch(DECISIONS)?;
    db.execute("INSERT INTO ledger (one, id) VALUES (1, ?1)", params![id.0])?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    db.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// Nothing that is there is changed: every record, row and hash of the older format is one of this.
fn add_decisions(db: &Connection) -> rusqlite::Result<()> {
    let transaction = db.unchecked_transaction()?;
    db.execute_batch(DECISIONS)?;
    db.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
