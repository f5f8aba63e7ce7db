//! [`Rooms`] without a proxy.

use std::{future::ready, path::PathBuf};

use valetkey_core::{
    Session, SessionId,
    ports::{Answer, Furniture, RoomError, Rooms},
};

/// Furnishes every sandbox with nothing.
#[derive(Default)]
pub struct NoRooms;

impl Rooms for NoRooms {
    fn furnish<'a>(&'a self, _session: &'a Session) -> Answer<'a, Result<Furniture, RoomError>> {
        Box::pin(ready(Ok(Furniture::default())))
    }

    fn placeholder(&self, _session: SessionId, _credential: &str) -> Option<String> {
        None
    }

    fn handover(&self) -> PathBuf {
        PathBuf::from("/nonexistent")
    }
}
