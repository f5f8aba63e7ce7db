//! One transaction: the changes of everybody who waits, in order.

use rusqlite::{Connection, ToSql, params, types::ToSqlOutput, types::ValueRef};
use valetkey_core::{Event, Lease, ports::LedgerError, record::SealedRecord};

use crate::{
    bound::Bound,
    chain::{Hash, Head},
    job::{Change, Job, Outcome},
    key,
    live::Live,
    signature::Checkpoint,
};

const RECORD: &str = "INSERT INTO records (sequence, record, hash, subject, bound)
    VALUES (?1, ?2, ?3, ?4, ?5)";
/// A row that is there already speaks of a record that was cut off; the ledger goes on without it.
const LEASE: &str =
    "INSERT OR REPLACE INTO leases (session, sequence, expires) VALUES (?1, ?2, ?3)";
/// Changes no row of a session that is over.
const SESSION: &str = "INSERT INTO sessions (id, live, changed, session) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE
    SET live = excluded.live, changed = excluded.changed, session = excluded.session
    WHERE live = 1";
const LOGIN: &str = "INSERT INTO logins (account, changed, login) VALUES (?1, ?2, ?3)
    ON CONFLICT (account) DO UPDATE SET changed = excluded.changed, login = excluded.login";
const LOGOUT: &str = "DELETE FROM logins WHERE account = ?1";
const CHECKPOINT: &str = "INSERT OR REPLACE INTO checkpoints (sequence, hash, at, signature)
    VALUES (?1, ?2, ?3, ?4)";
const NEXT_LEASED: &str = "SELECT min(session) FROM leases WHERE session > ?1";
const PRUNE: &str = "DELETE FROM leases WHERE session = ?1 AND expires <= ?2 AND sequence IN
    (SELECT sequence FROM leases WHERE session = ?1 ORDER BY sequence LIMIT 512)";

/// How many sessions are relieved of ended leases at each checkpoint.
const PRUNED: usize = 16;

/// A transaction under way. Dropping it without a commit is the caller's to roll back.
pub(crate) struct Batch<'a> {
    db: &'a Connection,
    live: &'a Live,
    head: Head,
    pruned: &'a mut Vec<u8>,
}

impl<'a> Batch<'a> {
    /// `head` is the last record; `pruned` is the session whose leases were looked at last.
    pub(crate) const fn new(
        db: &'a Connection,
        live: &'a Live,
        head: Head,
        pruned: &'a mut Vec<u8>,
    ) -> Self {
        Self {
            db,
            live,
            head,
            pruned,
        }
    }

    /// Stores what can be stored. An error means that nothing of it is; an outcome that is an error
    /// means that this one change was refused and left no trace.
    pub(crate) fn store(mut self, jobs: &[Job]) -> rusqlite::Result<(Head, Vec<Outcome>)> {
        let outcomes = jobs.iter().map(|job| self.one(&job.change));
        let outcomes = outcomes.collect::<rusqlite::Result<_>>()?;
        Ok((self.head, outcomes))
    }

    fn one(&mut self, change: &Change) -> rusqlite::Result<Outcome> {
        let next = key::integer(self.head.sequence.saturating_add(1))?;
        match change {
            Change::Record(record) => return self.token_or_other(record),
            Change::Session(session, json, record) => {
                let id = key::session(session.id);
                let live = !session.state.is_final();
                if self.live.contradicts(session) {
                    return Ok(Err(LedgerError::SessionGone));
                }
                let changed = self.run(SESSION, params![id, live, next, json])?;
                if changed == 0 {
                    return Ok(Err(LedgerError::SessionGone));
                }
                self.chain(record, Some(Bound::session(&id, json)))?;
            }
            Change::Login {
                account,
                login,
                record,
                ..
            } => {
                self.run(LOGIN, params![account.as_str(), next, login])?;
                let bound = Bound::login(account.as_str(), Some(login));
                self.chain(record, Some(bound))?;
            }
            Change::Logout(account, record) => {
                self.run(LOGOUT, [account.as_str()])?;
                self.chain(record, Some(Bound::login(account.as_str(), None)))?;
            }
            Change::Checkpoint(checkpoint) => self.checkpoint(checkpoint)?,
        }
        Ok(Ok(self.head.sequence))
    }

    fn token_or_other(&mut self, record: &SealedRecord) -> rusqlite::Result<Outcome> {
        if let Event::TokenIssued { lease, .. } = &record.record().event {
            if !self.live.is_active(lease.session) {
                return Ok(Err(LedgerError::SessionGone));
            }
            self.chain(record, None)?;
            self.lease(lease)?;
        } else {
            self.chain(record, None)?;
        }
        Ok(Ok(self.head.sequence))
    }

    fn chain(&mut self, record: &SealedRecord, bound: Option<Bound<'_>>) -> rusqlite::Result<()> {
        let next = self.head.then(record.bytes(), bound.as_ref());
        let place = key::integer(next.sequence)?;
        let (text, hash) = (Text(record.bytes()), next.hash.as_bytes());
        let subject = bound.map(|bound| bound.subject);
        let row = bound.and_then(|bound| bound.row);
        let row = row.as_ref().map(Hash::as_bytes);
        self.run(RECORD, params![place, text, hash, subject, row])?;
        self.head = next;
        Ok(())
    }

    fn lease(&self, lease: &Lease) -> rusqlite::Result<()> {
        let place = key::integer(self.head.sequence)?;
        // A lease that outlives SQLite's integers has no end that matters.
        let expires = key::integer(lease.expires).unwrap_or(i64::MAX);
        self.run(LEASE, params![key::session(lease.session), place, expires])?;
        Ok(())
    }

    fn checkpoint(&mut self, made: &Checkpoint) -> rusqlite::Result<()> {
        let place = key::integer(made.head.sequence)?;
        let hash = made.head.hash.as_bytes();
        let at = key::integer(made.at)?;
        self.run(CHECKPOINT, params![place, hash, at, made.signature])?;
        self.prune(at / 1000)
    }

    /// Forgets the oldest leases of the next few sessions where they have ended: a bounded amount of
    /// work, and each session has its turn.
    fn prune(&mut self, unix_seconds: i64) -> rusqlite::Result<()> {
        for _ in 0..PRUNED {
            let next: Option<Vec<u8>> = self
                .db
                .prepare_cached(NEXT_LEASED)?
                .query_row([&*self.pruned], |row| row.get(0))?;
            *self.pruned = next.unwrap_or_default();
            if self.pruned.is_empty() {
                break;
            }
            self.run(PRUNE, params![*self.pruned, unix_seconds])?;
        }
        Ok(())
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.db.prepare_cached(sql)?.execute(values)
    }
}

/// JSON as it was promised: bytes that are known to be UTF-8, stored without a look.
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}
