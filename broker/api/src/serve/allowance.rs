//! How long one request may take.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Extensions;

/// What a request may take beyond the time of its door. It rides in the request's extensions, so that
/// whoever has read the whole request, and only they, can grant it.
#[derive(Clone, Default)]
pub(crate) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// The allowance of a request that is served by [`super::serve`].
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Grants `extra` on top of the door's time.
    pub(crate) fn grant(&self, extra: Duration) {
        let extra = u64::try_from(extra.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(extra, Ordering::Relaxed);
    }

    /// What `answering` comes to within `within` and what was granted meanwhile; `None` past that.
    pub(super) async fn bound<T>(
        &self,
        within: Duration,
        answering: impl Future<Output = T>,
    ) -> Option<T> {
        let mut answering = pin!(answering);
        if let Ok(answer) = tokio::time::timeout(within, answering.as_mut()).await {
            return Some(answer);
        }
        let extra = Duration::from_millis(self.0.load(Ordering::Relaxed));
        tokio::time::timeout(extra, answering).await.ok()
    }
}
