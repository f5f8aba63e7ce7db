//! Whoever speaks on a connection: where, and what was allowed so far.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::upgrade::OnUpgrade;
use tokio::sync::OwnedSemaphorePermit;
use valetkey_core::{
    Refusal,
    network::{Origin, Target},
};

use super::{Socket, UnderWay, activity::Activity, tunnel::Tunnel};
use crate::{
    gate::Gate,
    room::{Epoch, Room},
};

/// Where a connection's requests are said.
pub(crate) enum Place {
    /// At the listener, in the clear.
    Door,
    /// Inside TLS, to the origin that was connected to.
    Inside(Origin),
}

/// What follows on a connection after HTTP.
pub(crate) enum After {
    /// Bytes, unseen.
    Tunnel(Tunnel),
    /// TLS, with a certificate of the session's own.
    LookInto { client: OnUpgrade, origin: Origin },
    /// A WebSocket.
    Socket(Box<Socket>),
}

/// One client.
pub(crate) struct Guest {
    pub room: Arc<Room>,
    pub epoch: Arc<Epoch>,
    pub place: Place,
    pub activity: Arc<Activity>,
    after: Mutex<Option<After>>,
}

impl Guest {
    /// A client from whom nothing was heard.
    pub(super) fn new(
        room: Arc<Room>,
        epoch: Arc<Epoch>,
        place: Place,
        activity: Arc<Activity>,
    ) -> Arc<Self> {
        Arc::new(Self {
            room,
            epoch,
            place,
            activity,
            after: Mutex::default(),
        })
    }

    /// Whoever decides.
    pub(crate) fn gate(&self) -> &Arc<dyn Gate> {
        &self.room.house.gate
    }

    /// Asks whether the origin may be reached. For every request: what was said before a policy changed, or
    /// before an answer was taken back, does not count for as long as a connection lives.
    pub(crate) async fn may_connect(&self, origin: &Origin) -> Result<(), Refusal> {
        let target = Target::Connect(origin.clone());
        self.gate().pass(self.room.session, &target).await
    }

    /// Records a refusal that no gate has made, and gives it back.
    pub(crate) async fn refused(&self, target: &str, refusal: Refusal) -> Refusal {
        let gate = self.gate();
        gate.refused(self.room.session, target, &refusal).await;
        refusal
    }

    /// So many of the places that the session has for requests at once, where they are free at this moment.
    pub(crate) fn places(&self, number: u32) -> Option<OwnedSemaphorePermit> {
        let requests = Arc::clone(&self.room.requests);
        requests.try_acquire_many_owned(number).ok()
    }

    /// Counts as a request until dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.activity.begin()
    }

    /// What follows after HTTP.
    pub(crate) fn go_on(&self, after: After) {
        *lock(&self.after) = Some(after);
    }

    /// What was said to follow.
    pub(super) fn after(&self) -> Option<After> {
        lock(&self.after).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
