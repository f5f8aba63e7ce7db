//! What is searched for at this moment.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Needles, Shapes};

/// The needles of one origin, which become more while answers are under way: what is lent after an answer
/// began is searched for in its rest.
#[derive(Clone)]
pub struct Live {
    needles: watch::Receiver<Arc<Needles>>,
    /// Of what was lent for this very answer: as long as it is under way, that is in use.
    _own: Arc<[Arc<Shapes>]>,
}

impl Live {
    /// The needles of an answer for which the values of `own` were lent.
    pub fn new(mut needles: watch::Receiver<Arc<Needles>>, own: Arc<[Arc<Shapes>]>) -> Self {
        needles.mark_unchanged();
        Self { needles, _own: own }
    }

    /// The needles of this moment.
    pub fn now(&self) -> Arc<Needles> {
        Arc::clone(&self.needles.borrow())
    }

    /// The same where they are others than when this was last called, or than at the beginning.
    pub(super) fn newer(&mut self) -> Option<Arc<Needles>> {
        // Whoever changes them may be gone: then they stay as they are.
        let is_newer = self.needles.has_changed().unwrap_or(false);
        is_newer.then(|| Arc::clone(&self.needles.borrow_and_update()))
    }
}

impl From<watch::Receiver<Arc<Needles>>> for Live {
    fn from(needles: watch::Receiver<Arc<Needles>>) -> Self {
        Self::new(needles, Arc::default())
    }
}

/// Needles that stay as they are.
impl From<&Arc<Needles>> for Live {
    fn from(needles: &Arc<Needles>) -> Self {
        watch::channel(Arc::clone(needles)).1.into()
    }
}
