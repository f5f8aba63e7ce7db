//! How a door ends: it is said, what is under way may finish within a bound, the rest is cut.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::CUT_BOUND;

/// The three signals of a door, shared with all of its connections.
#[derive(Clone)]
pub(crate) struct Ending {
    /// The broker stops: no new request is begun, those that run may finish.
    pub stopping: CancellationToken,
    /// What the door stands for is over: open calls may say so, in a moment, and end.
    pub closing: CancellationToken,
    /// Everything ends where it stands.
    pub cut: CancellationToken,
}

impl Ending {
    /// The signals of a door that ends by itself, or when `stopping` says so.
    pub(crate) fn of(stopping: &CancellationToken) -> Self {
        Self {
            stopping: stopping.clone(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Whether the door takes nothing new.
    pub(crate) fn begun(&self) -> bool {
        self.stopping.is_cancelled() || self.closing.is_cancelled()
    }

    /// Ready when the door takes nothing new.
    pub(crate) async fn beginning(&self) {
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// Sees `connections` out after [`Self::beginning`]: those of a door that closes get `farewell`,
    /// those of a broker that stops get `drain`, and what is left is cut.
    pub(crate) async fn see_out(
        &self,
        connections: &Arc<TaskTracker>,
        farewell: Duration,
        drain: Duration,
    ) {
        connections.close();
        tokio::select! {
            () = connections.wait() => return,
            () = self.closing.cancelled() => {
                drop(timeout(farewell, connections.wait()).await);
            }
            () = tokio::time::sleep(drain) => {}
        }
        self.cut.cancel();
        if timeout(CUT_BOUND, connections.wait()).await.is_err() {
            tracing::error!(
                left = connections.len(),
                "connections did not end when they were cut"
            );
        }
    }
}
