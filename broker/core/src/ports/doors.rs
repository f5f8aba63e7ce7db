//! Open and close the sockets of sessions.

use std::path::PathBuf;

use super::Answer;
use crate::SessionId;

/// What closing a session's door cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Connections that were open.
    pub connections: u64,
}

/// Why a door did not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The socket could not be made.
    #[error("the session's socket could not be made: {0}")]
    Socket(#[from] std::io::Error),
}

/// The session sockets.
pub trait Doors: Send + Sync {
    /// Makes the session's socket (mode 0600 in a folder 0700 of its own) and serves it. Idempotent.
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError>;

    /// Tells whoever watches the session through its door that it has changed, and is not over. Where it may
    /// not ask any more, what is open through its proxy is cut: begins with the call, so several go side by
    /// side, and when the future is ready it has ended. Dropping the future does not stop it.
    fn changed(&self, session: SessionId) -> Answer<'_, ()>;

    /// Cuts what is open through its proxy, which may begin anew: something that it rests on was taken back. Begins
    /// with the call, and when the future is ready it has ended. Dropping the future does not stop it.
    fn cut(&self, session: SessionId) -> Answer<'_, ()>;

    /// Closes it: when the future is ready every connection, call and stream through it has ended.
    /// For a while the socket goes on telling whoever comes that the session is over. Begins with the
    /// call, so several doors close side by side. Idempotent.
    fn close(&self, session: SessionId) -> Answer<'_, Cut>;
}
