//! [`Doors`] that lead nowhere.

use std::path::PathBuf;

use valetkey_core::{
    SessionId,
    ports::{Answer, Cut, DoorError, Doors},
};

/// Opens and closes nothing.
pub struct NoDoors;

impl Doors for NoDoors {
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError> {
        Ok(format!("/nonexistent/{session}").into())
    }

    fn changed(&self, _session: SessionId) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    fn cut(&self, _session: SessionId) -> Answer<'_, ()> {
        Box::pin(async {})
    }

    fn close(&self, _session: SessionId) -> Answer<'_, Cut> {
        Box::pin(async { Cut::default() })
    }
}
