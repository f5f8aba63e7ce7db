//! What is searched for at this moment.

use std::sync::Arc;

use tokio::sync::watch;

use super::Needles;

/// The needles of one origin, which become more while answers are under way: what is lent after an answer
/// began is searched for in its rest.
#[derive(Clone)]
pub struct Live(watch::Receiver<Arc<Needles>>);

impl Live {
    /// The needles of this moment.
    pub fn now(&self) -> Arc<Needles> {
        Arc::clone(&self.0.borrow())
    }

    /// The same where they are others than when this was last called, or than at the beginning.
    pub(super) fn newer(&mut self) -> Option<Arc<Needles>> {
        // Whoever changes them may be gone: then they stay as they are.
        let is_newer = self.0.has_changed().unwrap_or(false);
        is_newer.then(|| Arc::clone(&self.0.borrow_and_update()))
    }
}

impl From<watch::Receiver<Arc<Needles>>> for Live {
    fn from(mut needles: watch::Receiver<Arc<Needles>>) -> Self {
        needles.mark_unchanged();
        Self(needles)
    }
}

/// Needles that stay as they are.
impl From<&Arc<Needles>> for Live {
    fn from(needles: &Arc<Needles>) -> Self {
        Self(watch::channel(Arc::clone(needles)).1)
    }
}
