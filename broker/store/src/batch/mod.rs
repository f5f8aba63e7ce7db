//! One transaction: the changes of everybody who waits, in order.

mod approvals;
mod leases;

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, ToSql, params, types::ToSqlOutput, types::ValueRef};
use valetkey_core::{
    Approval, ApprovalId, Event, LockHolder, Session, ports::LedgerError, record::SealedRecord,
};

use crate::{
    bound::{Bound, Subject},
    chain::{Hash, Head},
    job::{Change, Job, Outcome},
    key, requirements,
    signature::Checkpoint,
    writer::Shared,
};

const RECORD: &str = "INSERT INTO records (sequence, record, hash, subject, bound)
    VALUES (?1, ?2, ?3, ?4, ?5)";
/// Changes no row of a session that is over.
const SESSION: &str = "INSERT INTO sessions (id, live, changed, session) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE
    SET live = excluded.live, changed = excluded.changed, session = excluded.session
    WHERE live = 1";
const LOGIN: &str = "INSERT INTO logins (account, changed, login) VALUES (?1, ?2, ?3)
    ON CONFLICT (account) DO UPDATE SET changed = excluded.changed, login = excluded.login";
const LOGOUT: &str = "DELETE FROM logins WHERE account = ?1";
const LOCK: &str = "INSERT INTO locks (holder, changed, lock) VALUES (?1, ?2, ?3)
    ON CONFLICT (holder) DO UPDATE SET changed = excluded.changed, lock = excluded.lock";
const UNLOCK: &str = "DELETE FROM locks WHERE holder = ?1";
const CHECKPOINT: &str = "INSERT OR REPLACE INTO checkpoints (sequence, hash, at, signature)
    VALUES (?1, ?2, ?3, ?4)";

/// A transaction under way. Dropping it without a commit is the caller's to roll back.
pub(crate) struct Batch<'a> {
    db: &'a Connection,
    shared: &'a Shared,
    head: Head,
    pruned: &'a mut Vec<u8>,
    /// The approvals that this batch changed: whoever comes behind in it finds them so.
    approvals: HashMap<ApprovalId, Arc<Approval>>,
}

impl<'a> Batch<'a> {
    /// `head` is the last record; `pruned` is the session whose leases were looked at last.
    pub(crate) fn new(
        db: &'a Connection,
        shared: &'a Shared,
        head: Head,
        pruned: &'a mut Vec<u8>,
    ) -> Self {
        Self {
            db,
            shared,
            head,
            pruned,
            approvals: HashMap::new(),
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
        match change {
            Change::Record(record) => return self.token_or_other(record),
            Change::Session(session, json, record) => return self.session(session, json, record),
            Change::Approval(approval, json, record) => {
                return self.approval(approval, json, record);
            }
            Change::Login {
                account,
                login,
                record,
                ..
            } => {
                self.run(LOGIN, params![account.as_str(), self.next()?, login])?;
                let bound = Bound::new(Subject::login(account), Some(login));
                self.chain(record, Some(bound))?;
            }
            Change::Logout(account, record) => {
                self.run(LOGOUT, [account.as_str()])?;
                let bound = Bound::new(Subject::login(account), None);
                self.chain(record, Some(bound))?;
            }
            Change::Lock {
                holder,
                lock,
                record,
                ..
            } => self.lock(*holder, lock.as_deref(), record)?,
            Change::Checkpoint(checkpoint) => self.checkpoint(checkpoint)?,
        }
        Ok(Ok(self.head.sequence))
    }

    fn token_or_other(&mut self, record: &SealedRecord) -> rusqlite::Result<Outcome> {
        if let Event::TokenIssued {
            lease, approval, ..
        } = &record.record().event
        {
            let back = approval.is_some_and(|taken| self.is_taken_back(lease.session, taken));
            // A lock is shown before its record is queued and until its end is durable: whoever is not
            // stopped by what is shown comes before the one or behind the other.
            if back || !self.shared.live.is_active(lease.session) || self.shared.held.any() {
                return Ok(Err(LedgerError::SessionGone.into()));
            }
            self.chain(record, None)?;
            self.lease(lease)?;
        } else {
            self.chain(record, requirements::found_by(record))?;
        }
        Ok(Ok(self.head.sequence))
    }

    fn session(
        &mut self,
        session: &Session,
        json: &str,
        record: &SealedRecord,
    ) -> rusqlite::Result<Outcome> {
        let id = key::session(session.id);
        let live = !session.state.is_final();
        if self.shared.live.contradicts(session) {
            return Ok(Err(LedgerError::SessionGone.into()));
        }
        let changed = self.run(SESSION, params![id, live, self.next()?, json])?;
        if changed == 0 {
            return Ok(Err(LedgerError::SessionGone.into()));
        }
        self.chain(record, Some(Bound::new(Subject::session(id), Some(json))))?;
        Ok(Ok(self.head.sequence))
    }

    fn lock(
        &mut self,
        holder: LockHolder,
        lock: Option<&str>,
        record: &SealedRecord,
    ) -> rusqlite::Result<()> {
        match lock {
            Some(json) => self.run(LOCK, params![holder.id(), self.next()?, json])?,
            None => self.run(UNLOCK, [holder.id()])?,
        };
        self.chain(record, Some(Bound::new(Subject::lock(holder), lock)))
    }

    /// The place of the next record.
    fn next(&self) -> rusqlite::Result<i64> {
        key::integer(self.head.sequence.saturating_add(1))
    }

    fn chain(&mut self, record: &SealedRecord, bound: Option<Bound>) -> rusqlite::Result<()> {
        let next = self.head.then(record.bytes(), bound.as_ref());
        let place = key::integer(next.sequence)?;
        let (text, hash) = (Text(record.bytes()), next.hash.as_bytes());
        let subject = bound.as_ref().map(|bound| &bound.subject);
        let row = bound.as_ref().and_then(|bound| bound.row.as_ref());
        let row = row.map(Hash::as_bytes);
        self.run(RECORD, params![place, text, hash, subject, row])?;
        self.head = next;
        Ok(())
    }

    fn checkpoint(&mut self, made: &Checkpoint) -> rusqlite::Result<()> {
        let place = key::integer(made.head.sequence)?;
        let hash = made.head.hash.as_bytes();
        let at = key::integer(made.at)?;
        self.run(CHECKPOINT, params![place, hash, at, made.signature])?;
        self.prune(at / 1000)
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
