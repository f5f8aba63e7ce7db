//! The calls of one connection: they never outlive it.

use hyper::rt::Executor;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Runs the streams of an HTTP/2 connection, each a task of its own, and knows of every call.
#[derive(Clone)]
pub(crate) struct Calls {
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Calls {
    /// Calls that end when `cut` says so, or before.
    pub(crate) fn under(cut: &CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            cut: cut.child_token(),
        }
    }

    /// Counts as a call for as long as it is held.
    pub(crate) fn begin(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Ready when everything is to end where it stands.
    pub(crate) async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// Ends every call where it stands and waits until each is gone.
    pub(crate) async fn end(self) {
        self.cut.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl<F> Executor<F> for Calls
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, call: F) {
        let cut = self.cut.clone();
        drop(self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                _ = call => {}
            }
        }));
    }
}
