//! The thread that touches the file, so that whatever hangs there hangs alone.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use tokio::sync::oneshot;

use crate::{file::Medium, line::Last, trouble::Trouble};

/// The answer to one job. Dropping it does not take the job back.
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Trouble>>;

enum Job {
    Resume(oneshot::Sender<Result<Option<Last>, Trouble>>),
    Append(Vec<u8>, oneshot::Sender<Result<(), Trouble>>),
}

/// Whoever holds it may give jobs, one after the other. The thread ends with it, or with the job that
/// hangs.
pub(crate) struct Hand(Sender<Job>);

impl Hand {
    pub(crate) fn new(medium: impl Medium) -> io::Result<Self> {
        let (jobs, queue) = channel();
        thread::Builder::new()
            .name("ledger-sink".into())
            .spawn(move || work(medium, &queue))?;
        Ok(Self(jobs))
    }

    pub(crate) fn resume(&self) -> Answer<Option<Last>> {
        let (answer, answered) = oneshot::channel();
        // Where the thread is gone, so is the sender, and whoever waits learns it.
        drop(self.0.send(Job::Resume(answer)));
        answered
    }

    pub(crate) fn append(&self, lines: Vec<u8>) -> Answer<()> {
        let (answer, answered) = oneshot::channel();
        drop(self.0.send(Job::Append(lines, answer)));
        answered
    }
}

fn work(mut medium: impl Medium, queue: &Receiver<Job>) {
    for job in queue {
        // Nobody may be waiting any more; the work was done all the same.
        match job {
            Job::Resume(answer) => drop(answer.send(medium.resume())),
            Job::Append(lines, answer) => drop(answer.send(medium.append(&lines))),
        }
    }
}
