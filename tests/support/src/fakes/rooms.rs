//! [`Rooms`] without a proxy.

use valetkey_core::{
    Session,
    ports::{Furniture, RoomError, Rooms},
};

/// Furnishes every sandbox with nothing.
#[derive(Default)]
pub struct NoRooms;

impl Rooms for NoRooms {
    fn furnish(&self, _session: &Session) -> Result<Furniture, RoomError> {
        Ok(Furniture::default())
    }
}
