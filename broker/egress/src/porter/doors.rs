//! A session's doors, with its proxy among them.

use std::{path::PathBuf, sync::Arc};

use valetkey_core::{
    SessionId, passage,
    ports::{Answer, Cut, DoorError, Doors},
};

use super::Porter;
use crate::Egress;

/// The sockets of sessions, and their proxies: what ends one ends the other.
pub struct ProxiedDoors {
    sockets: Arc<dyn Doors>,
    egress: Arc<Egress>,
    porter: Arc<Porter>,
}

impl ProxiedDoors {
    /// Both together.
    pub fn new(sockets: Arc<dyn Doors>, egress: Arc<Egress>, porter: Arc<Porter>) -> Self {
        Self {
            sockets,
            egress,
            porter,
        }
    }
}

impl Doors for ProxiedDoors {
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError> {
        self.sockets.open(session)
    }

    fn changed(&self, session: SessionId) -> Answer<'_, ()> {
        let told = self.sockets.changed(session);
        self.porter.forget(session);
        let broker = self.porter.broker();
        let shut = broker.is_ok_and(|broker| passage::is_open(broker, session).is_err());
        let cut = shut.then(|| self.egress.changed(session));
        Box::pin(async move {
            told.await;
            if let Some(cut) = cut {
                cut.await;
            }
        })
    }

    fn cut(&self, session: SessionId) -> Answer<'_, ()> {
        self.porter.forget(session);
        let (socket, proxy) = (self.sockets.cut(session), self.egress.changed(session));
        Box::pin(async move {
            socket.await;
            proxy.await;
        })
    }

    fn close(&self, session: SessionId) -> Answer<'_, Cut> {
        let (socket, proxy) = (self.sockets.close(session), self.egress.close(session));
        Box::pin(async move {
            let (socket, proxy) = (socket.await, proxy.await);
            self.porter.left(session);
            Cut {
                connections: socket.connections + proxy.connections,
            }
        })
    }
}
