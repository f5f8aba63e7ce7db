//! A sink: follows the ledger, and writes what it sees.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use valetkey_core::ports::Audit;

use crate::{
    file::{LineFile, Medium},
    hand::{Answer, Hand},
    line::{self, Last},
    status::{Reporter, SinkStatus},
    trouble::Trouble,
};

/// Most records that are written with one flush.
const BATCH: u32 = 500;

/// A copy of the ledger in a file of JSON lines: `{"sequence":N,"hash":"…","record":{…}}`.
///
/// The file is made with mode 0600 and only appended to. What it holds decides where the copy goes on:
/// after its last whole line, and from the beginning where it is new. So it has no gap and no line
/// twice, whenever the broker was killed and whoever moved the file away.
pub struct FileSink {
    medium: Box<dyn FnOnce() -> std::io::Result<Hand> + Send + Sync>,
    reporter: Reporter,
    pub(crate) pace: Pace,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Past this a write counts as hanging.
    pub(crate) answer_within: Duration,
    /// After a failure it is tried again then, and each time after twice as long,
    pub(crate) first_pause: Duration,
    /// up to this.
    pub(crate) longest_pause: Duration,
}

impl FileSink {
    /// A sink that writes to `path`. Nothing is opened before [`FileSink::run`].
    pub fn new(path: PathBuf) -> Self {
        Self::onto(path.clone(), LineFile::new(path))
    }

    pub(crate) fn onto(path: PathBuf, medium: impl Medium + Sync) -> Self {
        Self {
            medium: Box::new(|| Hand::new(medium)),
            reporter: Reporter::new(path),
            pace: Pace {
                answer_within: Duration::from_secs(10),
                first_pause: Duration::from_secs(1),
                longest_pause: Duration::from_secs(60),
            },
        }
    }

    /// How it is doing, for others to look at.
    pub fn status(&self) -> SinkStatus {
        self.reporter.status()
    }

    /// Follows `audit` until `stop`. Never makes the ledger wait. What is recorded after `stop` is
    /// copied by the next run. Dropping it is a stop too; a write that is under way is finished.
    pub async fn run(self, audit: Arc<dyn Audit>, stop: CancellationToken) {
        let Self {
            medium,
            reporter,
            pace,
        } = self;
        let hand = match medium() {
            Ok(hand) => hand,
            Err(error) => return reporter.fails(&error.into()),
        };
        let copy = Copy {
            hand,
            reporter,
            pace,
            audit,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = copy.for_ever() => {}
        }
    }
}

struct Copy {
    hand: Hand,
    reporter: Reporter,
    pace: Pace,
    audit: Arc<dyn Audit>,
}

impl Copy {
    async fn for_ever(&self) {
        let mut pause = self.pace.first_pause;
        loop {
            let mut progress = false;
            let Err(trouble) = self.follow(&mut progress).await;
            if progress {
                pause = self.pace.first_pause;
            }
            self.reporter.fails(&trouble);
            sleep(pause).await;
            pause = (pause * 2).min(self.pace.longest_pause);
        }
    }

    /// Copies until there is trouble.
    async fn follow(&self, progress: &mut bool) -> Result<Infallible, Trouble> {
        let last = self.patiently(self.hand.resume()).await?;
        let mut seen = self.place_of(last).await?;
        loop {
            self.reporter.follows(seen);
            self.audit.grown_beyond(seen).await;
            let entries = self.audit.after(seen, BATCH).await?;
            seen = entries.last().ok_or(Trouble::NoRecords)?.sequence;
            let mut lines = Vec::new();
            for entry in &entries {
                line::write(entry, &mut lines);
            }
            self.patiently(self.hand.append(lines)).await?;
            *progress = true;
        }
    }

    /// Where the ledger goes on after the file's last line, which must be a line of this very ledger.
    async fn place_of(&self, last: Option<Last>) -> Result<u64, Trouble> {
        let Some(last) = last else {
            return Ok(0);
        };
        let before = last.sequence.checked_sub(1).ok_or(Trouble::Foreign)?;
        let entries = self.audit.after(before, 1).await?;
        let known = entries
            .first()
            .is_some_and(|entry| entry.sequence == last.sequence && entry.hash == last.hash);
        if known {
            Ok(last.sequence)
        } else {
            Err(Trouble::OtherLedger)
        }
    }

    /// Waits for an answer for as long as it takes: to give the same lines to a second thread would
    /// write them twice. Past its time the sink counts as failing.
    async fn patiently<T>(&self, mut answer: Answer<T>) -> Result<T, Trouble> {
        let answered = match timeout(self.pace.answer_within, &mut answer).await {
            Ok(answered) => answered,
            Err(_) => {
                let slow = Trouble::Slow(self.pace.answer_within.as_secs());
                self.reporter.fails(&slow);
                answer.await
            }
        };
        answered.unwrap_or(Err(Trouble::WriterGone))
    }
}
