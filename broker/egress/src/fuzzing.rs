//! What `tests/fuzz` knocks at: the proxy's own code, over streams in memory in place of sockets.
//!
//! Only with the feature `fuzzing`, which nothing that is built to be used has: where it is on, an upstream
//! in memory stands in for every origin.

use std::{cell::RefCell, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
};
use valetkey_core::{
    Refusal, SessionId,
    network::{Endpoint, Origin},
};

pub use crate::connection::{Next, Where};
use crate::{Egress, connection, intake, room::Room};

/// A stream to an origin.
pub trait Far: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Far for S {}

type Dial = Box<dyn Fn(&Origin) -> Box<dyn Far>>;

thread_local! {
    static DIAL: RefCell<Option<Dial>> = const { RefCell::new(None) };
}

/// From now on, origins that requests of this thread go to are what `dial` gives, once their addresses
/// were looked at.
pub fn dials(dial: impl Fn(&Origin) -> Box<dyn Far> + 'static) {
    DIAL.set(Some(Box::new(dial)));
}

pub(crate) fn dial(origin: &Origin) -> Option<Box<dyn Far>> {
    DIAL.with_borrow(|dial| dial.as_ref().map(|dial| dial(origin)))
}

/// One session's proxy.
pub struct Proxy(Arc<Room>);

impl Proxy {
    /// That of a session that was prepared.
    pub fn of(egress: &Egress, session: SessionId) -> Option<Self> {
        egress.room(session).map(Self)
    }

    /// Serves one connection to its end.
    pub async fn serve<S>(&self, stream: S, place: Where) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        connection::in_memory(&self.0, stream, place).await
    }

    /// Cuts everything, as a change of the session does.
    pub async fn cut(&self) {
        self.0.turn().await;
    }
}

/// Reads the beginning of a tunnel to `endpoint`; `None` where nothing passes.
pub async fn hello(
    from: impl AsyncRead + Unpin,
    first: &[u8],
    endpoint: &Endpoint,
) -> Option<Vec<u8>> {
    connection::hello_in_memory(from, first, endpoint).await
}

/// Reads a launcher's line: the session, and the sandbox's first process.
///
/// # Errors
/// What the launcher would be told.
pub async fn line(stream: &UnixStream) -> Result<(SessionId, i32), Refusal> {
    intake::line(stream).await
}
