//! Doors that note what they were told.

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use valetkey_core::{
    SessionId,
    ports::{Answer, Cut, DoorError, Doors},
};

/// What a door was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Open(SessionId),
    Changed(SessionId),
    Cut(SessionId),
    Close(SessionId),
}

/// Doors without sockets.
pub(crate) struct NotingDoors {
    inner: Mutex<Inner>,
    stuck: watch::Sender<BTreeSet<SessionId>>,
}

#[derive(Default)]
struct Inner {
    told: Vec<Told>,
    jammed: bool,
}

impl Default for NotingDoors {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            stuck: watch::channel(BTreeSet::new()).0,
        }
    }
}

impl NotingDoors {
    /// What they were told, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.lock().told.clone()
    }

    /// From now on no door opens.
    pub(crate) fn jam(&self) {
        self.lock().jammed = true;
    }

    /// Closing this door takes until it is [freed](Self::free).
    pub(crate) fn stick(&self, session: SessionId) {
        self.stuck.send_modify(|stuck| {
            stuck.insert(session);
        });
    }

    /// Lets every door close.
    pub(crate) fn free(&self) {
        self.stuck.send_modify(BTreeSet::clear);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doors for NotingDoors {
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError> {
        let mut inner = self.lock();
        if inner.jammed {
            return Err(io::Error::other("told to jam").into());
        }
        inner.told.push(Told::Open(session));
        Ok(format!("/run/{session}").into())
    }

    fn changed(&self, session: SessionId) -> Answer<'_, ()> {
        self.lock().told.push(Told::Changed(session));
        Box::pin(async {})
    }

    fn cut(&self, session: SessionId) -> Answer<'_, ()> {
        self.lock().told.push(Told::Cut(session));
        Box::pin(async {})
    }

    fn close(&self, session: SessionId) -> Answer<'_, Cut> {
        self.lock().told.push(Told::Close(session));
        let mut stuck = self.stuck.subscribe();
        Box::pin(async move {
            drop(stuck.wait_for(|stuck| !stuck.contains(&session)).await);
            Cut { connections: 3 }
        })
    }
}
