//! The one thread that writes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering, mpsc::Receiver},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::watch;
use valetkey_core::{
    SessionId,
    ports::{Fault, LedgerError},
};

use crate::{
    ballast::Ballast,
    batch::Batch,
    chain::{Head, LedgerId},
    error::{is_busy, is_conflict, unwritable, wants_room},
    held::Held,
    job::{Change, Job, Outcome},
    live::Live,
    open::LOCK_WAIT,
    questions::Questions,
    queue::Progress,
    tail::Tail,
};

/// Most changes in one transaction. Everybody in it waits for all of it.
const BATCH: usize = 256;

/// What the writer shares with those who read.
pub(crate) struct Shared {
    pub(crate) live: Live,
    pub(crate) questions: Questions,
    pub(crate) held: Held,
    /// The sessions that were in doubt when the store was opened: what memory does not have of them is
    /// over.
    pub(crate) doubted: HashSet<SessionId>,
    /// The last record that is durable.
    pub(crate) head: watch::Sender<Head>,
    /// What was wrong with the end when the store was opened, and what the writer saw since: only a
    /// stranger can have done it.
    pub(crate) noticed: Mutex<Vec<Fault>>,
}

impl Shared {
    /// Shows a change that is durable.
    fn show(&self, change: &Change) {
        match change {
            Change::Session(session, ..) => {
                self.live.settle(session);
                if session.state.is_final() {
                    self.questions.forget(session.id);
                }
            }
            Change::Approval(approval, ..) => self.questions.settle(approval, &self.live),
            Change::Lock {
                holder,
                lock: None,
                taken,
                ..
            } => self.held.lifted(*holder, *taken),
            // A lock that is taken was shown before.
            Change::Lock { .. }
            | Change::Record(_)
            | Change::Login { .. }
            | Change::Logout(..)
            | Change::Checkpoint(_) => {}
        }
    }
}

/// Owns the connection that writes, and the head of the chain.
pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) ledger: LedgerId,
    pub(crate) head: Head,
    pub(crate) ballast: Ballast,
    /// The session whose leases were looked at last for what can be forgotten.
    pub(crate) pruned: Vec<u8>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) progress: Arc<Progress>,
    /// How long a lock that another process holds is waited for once nobody can queue any more.
    pub(crate) patience: Duration,
}

impl Writer {
    /// Stores what is queued, one transaction after the other, until nobody can queue any more.
    pub(crate) fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(BATCH - 1));
            self.settle(jobs);
        }
    }

    /// Stores these changes and answers everybody.
    pub(crate) fn settle(&mut self, mut jobs: Vec<Job>) {
        if !self.ballast.restore() {
            jobs = self.refuse_the_rest(jobs, &unwritable("the disk is full"));
        }
        match self.store(&jobs) {
            Ok(outcomes) => self.answer(jobs, outcomes),
            Err(error) if wants_room(&error) => {
                tracing::error!(%error, "the ledger cannot be written; make room on its disk");
                let urgent = self.refuse_the_rest(jobs, &unwritable(&error));
                self.settle_on_the_last_room(urgent);
            }
            Err(error) => {
                tracing::error!(%error, "the ledger cannot be written");
                if is_conflict(&error) {
                    self.follow_the_stranger();
                }
                self.refuse(jobs, &unwritable(error));
            }
        }
    }

    /// Takes authority away although the disk is full.
    fn settle_on_the_last_room(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        if let Err(error) = self.ballast.spend(&self.db) {
            tracing::error!(%error, "the room kept for revocations could not be taken whole");
        }
        match self.store(&jobs) {
            Ok(outcomes) => self.answer(jobs, outcomes),
            Err(error) => {
                tracing::error!(%error, "a change that takes authority away holds only until the broker stops");
                self.refuse(jobs, &unwritable(error));
            }
        }
    }

    fn store(&mut self, jobs: &[Job]) -> rusqlite::Result<Vec<Outcome>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.begin()?;
        let stored = Batch::new(&self.db, &self.shared, self.head, &mut self.pruned)
            .store(jobs)
            .and_then(|stored| self.run_cached("COMMIT").map(|()| stored));
        match stored {
            Ok((head, outcomes)) => {
                self.head = head;
                self.progress.commits.fetch_add(1, Ordering::Relaxed);
                Ok(outcomes)
            }
            Err(error) => {
                if !self.db.is_autocommit() {
                    // Where even this fails, the next BEGIN does too and says why.
                    drop(self.run_cached("ROLLBACK"));
                }
                Err(error)
            }
        }
    }

    /// Waits for the write lock for as long as another process holds it: to those who wait, that is
    /// a slow disk.
    fn begin(&self) -> rusqlite::Result<()> {
        let mut patience = self.patience;
        loop {
            match self.run_cached("BEGIN IMMEDIATE") {
                Err(error) if is_busy(&error) && !patience.is_zero() => {
                    if self.progress.closing.load(Ordering::Acquire) {
                        patience = patience.saturating_sub(LOCK_WAIT);
                    }
                }
                begun => return begun,
            }
        }
    }

    fn run_cached(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Shows what is durable, then answers in order.
    fn answer(&self, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            if outcome.is_ok() {
                self.shared.show(&job.change);
            }
        }
        self.progress.settled();
        if *self.shared.head.borrow() != self.head {
            self.shared.head.send_replace(self.head);
        }
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Whoever stopped waiting needs no answer.
            drop(job.reply.send(outcome));
        }
    }

    fn refuse(&self, jobs: Vec<Job>, error: &LedgerError) {
        let outcomes = jobs.iter().map(|_| Err(error.clone().into())).collect();
        self.answer(jobs, outcomes);
    }

    /// Refuses what gives authority or only tells of something; gives back what takes it away.
    fn refuse_the_rest(&self, jobs: Vec<Job>, error: &LedgerError) -> Vec<Job> {
        let (urgent, rest) = jobs.into_iter().partition(|job| job.change.takes_away());
        self.refuse(rest, error);
        urgent
    }

    /// Another program put a record where the next one belongs. Refusing for ever would help nobody:
    /// the stranger's record is kept as evidence, this thread goes on behind it, and whoever
    /// verifies is told.
    fn follow_the_stranger(&mut self) {
        match Tail::read(&self.db, self.ledger).map(|tail| tail.head) {
            Ok(found) if found.sequence > self.head.sequence => {
                let sequence = self.head.sequence + 1;
                tracing::error!(sequence, "another program writes to the ledger");
                self.head = found;
                let mut noticed = self
                    .shared
                    .noticed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                noticed.push(Fault {
                    sequence,
                    what: "it was written by another program while the broker ran".to_owned(),
                });
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the end of the ledger cannot be read"),
        }
    }
}
