//! Connections that read, beside the one that writes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use valetkey_core::ports::LedgerError;

use crate::{error::unwritable, open};

/// Most reads at once; each holds a connection and a thread.
const AT_ONCE: usize = 4;

/// A few read-only connections, opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Inner>);

struct Inner {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Semaphore,
    answer_within: Duration,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, answer_within: Duration) -> Self {
        Self(Arc::new(Inner {
            path,
            idle: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
            answer_within,
        }))
    }

    /// Reads a little, on a thread that may block. Where the disk does not answer in time, the caller
    /// does not wait for it.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let answer = timeout(self.0.answer_within, self.read_all(read)).await;
        answer.unwrap_or(Err(LedgerError::Slow))
    }

    /// Reads for as long as it takes, on a thread that may block.
    pub(crate) async fn read_all<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let _turn = self.0.turns.acquire().await.map_err(unreadable)?;
        let readers = self.clone();
        let done = spawn_blocking(move || readers.read_here(read)).await;
        done.map_err(unreadable)?
    }

    /// Reads on this thread, which blocks for as long as the disk takes.
    pub(crate) fn read_here<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let idle = self.lock().pop();
        let db = match idle {
            Some(db) => db,
            None => open::for_reading(&self.0.path).map_err(unreadable)?,
        };
        // A connection that failed is not used again.
        let answer = read(&db).map_err(unreadable)?;
        let mut idle = self.lock();
        if idle.len() < AT_ONCE {
            idle.push(db);
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: impl std::fmt::Display) -> LedgerError {
    unwritable(format_args!("it cannot even be read: {error}"))
}
