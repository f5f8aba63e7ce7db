//! The sockets of all live sessions.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::ready,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use valetkey_core::{
    Broker, SessionId,
    ports::{Answer, Cut, DoorError, Doors},
};

use super::{
    door::{Door, House},
    socket,
};
use crate::{Limits, side};

/// The sockets of sessions: one each, `<runtime>/s/<session>/agent.sock`.
///
/// It needs the [`Broker`], and the broker's ports need it: it is made first, put into the ports, and
/// then [attached](Self::attach) to the broker.
pub struct SessionDoors {
    runtime: PathBuf,
    limits: Limits,
    side: Routes,
    house: OnceLock<Arc<House>>,
    doors: Mutex<HashMap<SessionId, Arc<Door>>>,
    stopping: CancellationToken,
}

impl SessionDoors {
    /// Makes the folder for the sockets below `runtime`, which exists and is the owner's alone.
    pub async fn new(runtime: PathBuf, limits: Limits) -> io::Result<Self> {
        socket::prepare(&runtime)?;
        Ok(Self {
            runtime,
            limits,
            side: side::services(&["valetkey.agent.v1"]).await?,
            house: OnceLock::new(),
            doors: Mutex::default(),
            stopping: CancellationToken::new(),
        })
    }

    /// Gives it the broker whose sessions it serves, once, before the first door is opened.
    pub fn attach(&self, broker: Broker) {
        self.house.get_or_init(|| {
            Arc::new(House {
                broker: Arc::new(broker),
                runtime: self.runtime.clone(),
                limits: self.limits.clone(),
                side: self.side.clone(),
            })
        });
    }

    /// Stops every door because the broker stops: nothing new is begun, requests that run get
    /// [`Limits::drain`] to finish. The sessions live on; the next run opens their doors again.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let doors: Vec<_> = self.locked().drain().map(|(_, door)| door).collect();
        for door in doors {
            door.left().await;
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<Door>>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, session: SessionId) -> Option<Arc<Door>> {
        self.locked().get(&session).cloned()
    }
}

impl Doors for SessionDoors {
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError> {
        let house = self.house.get();
        let house = house.ok_or_else(|| io::Error::other("the doors have no broker yet"))?;
        Handle::try_current().map_err(io::Error::other)?;
        if self.stopping.is_cancelled() {
            return Err(io::Error::other("the broker is stopping").into());
        }
        if let Entry::Vacant(place) = self.locked().entry(session) {
            place.insert(Door::open(Arc::clone(house), session, &self.stopping)?);
        }
        Ok(socket::path(&self.runtime, session))
    }

    fn changed(&self, session: SessionId) -> Answer<'_, ()> {
        if let Some(door) = self.find(session) {
            door.changes.send_replace(());
        }
        Box::pin(ready(()))
    }

    /// Nothing that is open here rests on anything but the session.
    fn cut(&self, _: SessionId) -> Answer<'_, ()> {
        Box::pin(ready(()))
    }

    fn close(&self, session: SessionId) -> Answer<'_, Cut> {
        let Some(door) = self.find(session) else {
            return Box::pin(ready(Cut::default()));
        };
        let cut = door.close();
        Box::pin(async move {
            door.gone().await;
            // Those that answer latecomers stay, so that a stop can wait for them.
            self.locked().retain(|_, door| !door.has_left());
            cut
        })
    }
}
