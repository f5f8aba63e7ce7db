//! How a sink is doing, for the log and for `valetkey doctor`.

use std::path::PathBuf;

use tokio::sync::watch;
use valetkey_core::{
    doctor::{Finding, Health},
    ports::Watched,
};

use crate::trouble::Trouble;

/// How a sink is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkState {
    /// It has not looked at its file yet.
    Starting,
    /// Everything up to this record is copied.
    Following {
        /// The record's place; 0 where there is none yet.
        sequence: u64,
    },
    /// It is behind, and tries again.
    Failing {
        /// Everything up to this record is copied, as far as is known.
        sequence: u64,
        /// Why, and what to do.
        why: String,
    },
}

/// The view of one sink from outside. Cheap to clone; outlives the sink.
#[derive(Clone, Debug)]
pub struct SinkStatus {
    path: PathBuf,
    state: watch::Receiver<SinkState>,
}

impl SinkStatus {
    /// How it is doing now.
    pub fn now(&self) -> SinkState {
        self.state.borrow().clone()
    }

    /// Waits until the state is one that `wanted` says; at once where it is. The last state where the
    /// sink ended before. Cancel safe.
    pub async fn wait_for(&mut self, wanted: impl FnMut(&SinkState) -> bool) -> SinkState {
        let state = self.state.wait_for(wanted).await.map(|state| state.clone());
        state.unwrap_or_else(|_| self.now())
    }
}

impl Watched for SinkStatus {
    fn finding(&self) -> Finding {
        const NAME: &str = "ledger sink";
        let path = self.path.display();
        match self.now() {
            SinkState::Starting => Finding::well(NAME, format!("{path}: starting")),
            SinkState::Following { sequence } => {
                Finding::well(NAME, format!("{path}: copied up to record {sequence}"))
            }
            SinkState::Failing { sequence, why } => Finding::ailing(
                NAME,
                Health::Ill,
                format!("{path}: {why}"),
                format!(
                    "do as it says; the copy stands at record {sequence} and catches up by itself"
                ),
            ),
        }
    }
}

/// The end that the sink holds.
pub(crate) struct Reporter {
    path: PathBuf,
    state: watch::Sender<SinkState>,
}

impl Reporter {
    pub(crate) fn new(path: PathBuf) -> Self {
        let state = watch::channel(SinkState::Starting).0;
        Self { path, state }
    }

    pub(crate) fn status(&self) -> SinkStatus {
        SinkStatus {
            path: self.path.clone(),
            state: self.state.subscribe(),
        }
    }

    pub(crate) fn follows(&self, sequence: u64) {
        let before = self.state.send_replace(SinkState::Following { sequence });
        if let SinkState::Failing { .. } = before {
            tracing::info!(sink = %self.path.display(), sequence, "the copy of the ledger has caught up");
        }
    }

    /// Tells of trouble; in the log once, however often it is met.
    pub(crate) fn fails(&self, trouble: &Trouble) {
        let why = trouble.to_string();
        self.state.send_if_modified(|state| {
            let sequence = match state {
                SinkState::Starting => 0,
                SinkState::Following { sequence } => *sequence,
                SinkState::Failing { why: before, .. } if *before == why => return false,
                SinkState::Failing { sequence, .. } => *sequence,
            };
            tracing::warn!(sink = %self.path.display(), sequence, why, "the copy of the ledger is behind");
            *state = SinkState::Failing { sequence, why };
            true
        });
    }
}
