//! A connection over any stream, for `tests/fuzz`: what [`super::serve`] does where it was accepted at a
//! listener.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use valetkey_core::network::{Endpoint, Origin};

use super::{Activity, After, Guest, Place, hello, http1, inside};
use crate::room::Room;

/// How a connection began to speak something else than HTTP.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It did not, or that is over.
    Nothing,
    /// TLS would be looked into, as this origin.
    LookInto(Origin),
    /// Bytes would pass unseen.
    Tunnel,
}

/// Where a connection speaks.
#[derive(Clone)]
pub enum Where {
    /// At the listener.
    Door,
    /// Behind TLS as this origin, in HTTP/1.1.
    Inside(Origin),
    /// Likewise, in HTTP/2.
    InsideOverH2(Origin),
}

pub(crate) async fn serve<S>(room: &Arc<Room>, stream: S, place: Where) -> Next
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let near = activity.on(stream);
    let guest = |place| Guest::new(Arc::clone(room), room.epoch(), place, activity);
    let guest = match place {
        Where::Door => guest(Place::Door),
        Where::Inside(origin) => guest(Place::Inside(origin)),
        Where::InsideOverH2(origin) => {
            inside::http2(&guest(Place::Inside(origin)), near).await;
            return Next::Nothing;
        }
    };
    http1(&guest, TokioIo::new(near)).await;
    match guest.after() {
        None => Next::Nothing,
        Some(After::Tunnel(_)) => Next::Tunnel,
        Some(After::LookInto { origin, .. }) => Next::LookInto(origin),
        Some(After::Socket(socket)) => {
            socket.run(&guest).await;
            Next::Nothing
        }
    }
}

pub(crate) async fn hello(
    from: impl AsyncRead + Unpin,
    first: &[u8],
    endpoint: &Endpoint,
) -> Option<Vec<u8>> {
    hello::read(from, first, endpoint).await.ok()
}
