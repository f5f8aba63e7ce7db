//! The way to the writer: a bounded queue, and a bound on how long anybody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use valetkey_core::ports::LedgerError;

use crate::{
    error::{ledger_error, unwritable},
    job::{Change, Job, Outcome},
};

/// Most changes that wait; whoever comes then is told that the disk is slow.
pub(crate) const DEPTH: usize = 4096;

/// How far the writer has come, as seen by those who wait.
#[derive(Default)]
pub(crate) struct Progress {
    /// Batches that were answered.
    settled: AtomicU64,
    /// One more than the number of settled batches at which somebody waited in vain. While the two
    /// agree, the writer still sits at what it sat at then.
    stuck_at: AtomicU64,
    /// Transactions that were committed.
    pub(crate) commits: AtomicU64,
    /// Nobody can queue any more.
    pub(crate) closing: AtomicBool,
}

impl Progress {
    pub(crate) fn settled(&self) {
        self.settled.fetch_add(1, Ordering::Release);
    }

    fn is_stuck(&self) -> bool {
        let settled = self.settled.load(Ordering::Acquire);
        self.stuck_at.load(Ordering::Acquire) == settled + 1
    }
}

/// Hands changes to the writer. Dropping it lets the writer finish what is queued and waits for it.
pub(crate) struct Queue {
    sender: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
    answer_within: Duration,
}

impl Queue {
    pub(crate) const fn new(
        sender: SyncSender<Job>,
        writer: JoinHandle<()>,
        progress: Arc<Progress>,
        answer_within: Duration,
    ) -> Self {
        Self {
            sender: Some(sender),
            writer: Some(writer),
            progress,
            answer_within,
        }
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The same as [`Queue::submit`], for a change that meets with no conflict.
    pub(crate) async fn store(&self, change: Change) -> Result<u64, LedgerError> {
        self.submit(change).await.map_err(ledger_error)
    }

    /// Queues the change before it returns; what it returns answers when the change is durable,
    /// refused or late. While the disk does not answer, nothing more is queued and everybody is told
    /// at once, but for a change that takes authority away: its caller is told as well, and it is
    /// queued to be stored when the disk comes back.
    pub(crate) fn submit(&self, change: Change) -> impl Future<Output = Outcome> + Send + use<'_> {
        let settled = self.progress.settled.load(Ordering::Acquire);
        let queued = self.queued(change);
        async move {
            match timeout(self.answer_within, queued?).await {
                Ok(answer) => answer.unwrap_or_else(|_| Err(stopped().into())),
                Err(_) => {
                    // Raised, never lowered: somebody may have waited in vain for a later batch.
                    self.progress
                        .stuck_at
                        .fetch_max(settled + 1, Ordering::AcqRel);
                    Err(LedgerError::Slow.into())
                }
            }
        }
    }

    fn queued(&self, change: Change) -> Result<oneshot::Receiver<Outcome>, LedgerError> {
        let stuck = self.progress.is_stuck();
        if stuck && !change.takes_away() {
            return Err(LedgerError::Slow);
        }
        let (reply, answer) = oneshot::channel();
        self.send(Job {
            change: Box::new(change),
            reply,
        })?;
        if stuck {
            return Err(LedgerError::Slow);
        }
        Ok(answer)
    }

    fn send(&self, job: Job) -> Result<(), LedgerError> {
        let sender = self.sender.as_ref().ok_or_else(stopped)?;
        sender.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => LedgerError::Slow,
            TrySendError::Disconnected(_) => stopped(),
        })
    }
}

fn stopped() -> LedgerError {
    unwritable("its writer has stopped; restart the broker")
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.sender = None;
        self.progress.closing.store(true, Ordering::Release);
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing more to say here: its callers were told.
            drop(writer.join());
        }
    }
}
