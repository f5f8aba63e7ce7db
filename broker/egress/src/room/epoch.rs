//! Everything that runs for a session between two changes of it, so that a change can end all of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::rt::Executor;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use valetkey_core::ports::Cut;

use crate::{Limits, upstream::Pool};

/// How long what was cut may take to be gone.
const CUT_BOUND: Duration = Duration::from_secs(1);

/// The connections of a session and what they left open.
pub(crate) struct Epoch {
    pub pool: Arc<Pool>,
    cut: CancellationToken,
    tasks: TaskTracker,
    open: AtomicU64,
}

impl Epoch {
    /// One with nothing in it.
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            pool: Arc::new(Pool::new(limits.upstream_kept, limits.upstream_idle)),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
            open: AtomicU64::new(0),
        })
    }

    /// Runs a connection until it ends or the epoch does.
    pub(super) fn run(self: &Arc<Self>, connection: impl Future<Output = ()> + Send + 'static) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let epoch = Arc::clone(self);
        // A token of its own: those of one lock are not all asked for at every step of each.
        let cut = self.cut.child_token();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                () = connection => {}
            }
            epoch.open.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Runs what belongs to a connection, such as the streams of HTTP/2. All of it ends when the guard is
    /// dropped, or with the epoch.
    pub(crate) fn streams(&self) -> Streams {
        Streams {
            cut: self.cut.child_token(),
            tasks: self.tasks.clone(),
        }
    }

    pub(super) fn begin_end(&self) -> Cut {
        let connections = self.open.load(Ordering::Relaxed);
        self.cut.cancel();
        self.pool.shut();
        self.tasks.close();
        Cut { connections }
    }

    pub(super) async fn ended(&self) {
        if timeout(CUT_BOUND, self.tasks.wait()).await.is_err() {
            tracing::error!(
                left = self.tasks.len(),
                "connections did not end when they were cut"
            );
        }
    }
}

/// Runs tasks that end together.
#[derive(Clone)]
pub(crate) struct Streams {
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Streams {
    /// Ends them when dropped.
    pub(crate) fn guard(&self) -> tokio_util::sync::DropGuard {
        self.cut.clone().drop_guard()
    }

    /// Ends when they do.
    pub(crate) fn spawn(&self, task: impl Future + Send + 'static) {
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                _ = task => {}
            }
        });
    }
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.spawn(stream);
    }
}
