//! One connection from the sandbox, from its first byte to its last, in one task.

mod activity;
mod guest;
mod hello;
#[cfg(feature = "fuzzing")]
mod in_memory;
mod inside;
mod replay;
mod socket;
mod tunnel;

use std::{convert::Infallible, pin::pin, sync::Arc};

use http::Request;
use hyper::{
    body::Incoming,
    rt::{Read, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) use activity::UnderWay;
pub(crate) use guest::{After, Guest, Place};
#[cfg(feature = "fuzzing")]
pub use in_memory::{Next, Where};
#[cfg(feature = "fuzzing")]
pub(crate) use in_memory::{hello as hello_in_memory, serve as in_memory};
pub(crate) use socket::Socket;
pub(crate) use tunnel::Tunnel;

use crate::{
    forward,
    room::{Epoch, Room},
};
use activity::{Activity, Metered, silence};

/// The near side of a connection.
pub(crate) type Near = Metered<TcpStream>;

/// Serves a connection that was accepted at the listener. When this ends, or is dropped, the connection is
/// closed, and with it whatever it had open to origins.
pub(crate) async fn serve(stream: TcpStream, room: Arc<Room>, epoch: Arc<Epoch>) {
    // Without it only latency suffers.
    drop(stream.set_nodelay(true));
    let activity = Arc::new(Activity::default());
    let near = activity.on(stream);
    let guest = Guest::new(room, epoch, Place::Door, activity);
    http1(&guest, TokioIo::new(near)).await;
    match guest.after() {
        None => {}
        Some(After::Tunnel(tunnel)) => tunnel.run(&guest).await,
        Some(After::LookInto { client, origin }) => inside::look_into(&guest, client, origin).await,
        Some(After::Socket(socket)) => socket.run(&guest).await,
    }
}

/// Speaks HTTP/1.1 until the client leaves, falls silent or wants another protocol.
async fn http1<I>(guest: &Arc<Guest>, io: I)
where
    I: Read + Write + Unpin + Send + 'static,
{
    let limits = &guest.room.house.limits;
    let service = service_fn(|request: Request<Incoming>| {
        let guest = Arc::clone(guest);
        async move { Ok::<_, Infallible>(forward::answer(&guest, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .max_headers(limits.headers)
        // hyper does not go below 8 KiB.
        .max_buf_size(limits.head.max(8192));
    let connection = builder.serve_connection(io, service).with_upgrades();
    let connection = pin!(connection);
    tokio::select! {
        biased;
        // A protocol error has been answered as far as it can be.
        _ = connection => {}
        () = silence(&guest.activity, limits, true) => {}
    }
}
