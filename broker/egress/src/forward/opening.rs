//! What is put into the first message of a WebSocket.
use hyper::body::Bytes;
use valetkey_inject::PlaceError;
pub(crate) struct Opening;
impl Opening {
    pub(crate) fn feed(&mut self, _bytes: &[u8]) -> Result<Option<Bytes>, PlaceError> {
        Ok(None)
    }
}
