//! [`Rooms`] without a proxy.

use std::path::PathBuf;

use valetkey_core::{
    Session, SessionId,
    ports::{Furniture, RoomError, Rooms},
};

/// Furnishes every sandbox with nothing.
#[derive(Default)]
pub struct NoRooms;

impl Rooms for NoRooms {
    fn furnish(&self, _session: &Session) -> Result<Furniture, RoomError> {
        Ok(Furniture::default())
    }

    fn placeholder(&self, _session: SessionId, _credential: &str) -> Option<String> {
        None
    }

    fn handover(&self) -> PathBuf {
        PathBuf::from("/nonexistent")
    }
}
