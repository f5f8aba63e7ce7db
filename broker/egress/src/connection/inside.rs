//! A connection that is looked into: TLS with the session's own authority, and requests inside of it.

use std::{pin::pin, sync::Arc};

use hyper::{body::Incoming, server::conn::http2, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::Acceptor;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use valetkey_codes::Code;
use valetkey_core::{Refusal, network::Origin};

use super::{After, Guest, Near, Place, activity::silence, hello, http1, replay::Replay};
use crate::forward;

/// How much of a stream's answer is held until it is sent, in bytes.
const SEND_BUFFER: usize = 256 * 1024;

/// Accepts TLS as `origin` and serves what is asked inside. What is not TLS, or names another server, ends
/// the connection: nothing goes on unseen.
pub(super) async fn look_into(door: &Guest, client: OnUpgrade, origin: Origin) {
    let Some(near) = client.await.ok().and_then(Replay::of) else {
        return;
    };
    let within = door.room.house.limits.head_timeout;
    let multiplexed = Arc::clone(&door.room.multiplexed).try_acquire_owned().ok();
    let accepting = accept(door, near, &origin, multiplexed.is_some());
    let stream = match timeout(within, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(Some(refusal))) => {
            door.refused(&origin.to_string(), refusal).await;
            return;
        }
        Ok(Err(None)) | Err(_) => return,
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let guest = Guest::new(
        Arc::clone(&door.room),
        Arc::clone(&door.epoch),
        Place::Inside(origin),
        Arc::clone(&door.activity),
    );
    if h2 {
        http2(&guest, stream).await;
        return;
    }
    drop(multiplexed);
    http1(&guest, TokioIo::new(stream)).await;
    if let Some(After::Socket(socket)) = guest.after() {
        socket.run(&guest).await;
    }
}

async fn accept(
    door: &Guest,
    near: Replay<Near>,
    origin: &Origin,
    may_multiplex: bool,
) -> Result<TlsStream<Replay<Near>>, Option<Refusal>> {
    let host = &origin.endpoint.host;
    let start = LazyConfigAcceptor::new(Acceptor::default(), near)
        .await
        .map_err(|error| {
            // Who has left says nothing that could be refused.
            let said = error.kind() != std::io::ErrorKind::UnexpectedEof;
            said.then(|| {
                Refusal::new(Code::TargetMismatch)
                    .saying("only TLS goes to a host that is looked into")
                    .because(error.to_string())
            })
        })?;
    hello::names(start.client_hello().server_name(), host)?;
    let mut config = door.room.authority.leaf(host).map_err(|error| {
        tracing::error!(%error, "a host is not looked into");
        None
    })?;
    if !may_multiplex {
        // What does without is served as well.
        let config = Arc::make_mut(&mut config);
        config.alpn_protocols.retain(|protocol| protocol != b"h2");
    }
    // A client that does not trust the authority says so and leaves.
    start.into_stream(config).await.map_err(|error| {
        tracing::debug!(%error, host = host.as_str(), "a client ended its handshake");
        None
    })
}

pub(super) async fn http2<S>(guest: &Arc<Guest>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &guest.room.house.limits;
    let streams = guest.epoch.streams();
    let _streams_end_with_it = streams.guard();
    let service = service_fn(|request: http::Request<Incoming>| {
        let guest = Arc::clone(guest);
        async move { Ok::<_, std::convert::Infallible>(forward::answer(&guest, request).await) }
    });
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(limits.stream_head)
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(SEND_BUFFER);
    let connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        _ = connection => {}
        () = silence(&guest.activity, limits, false) => {}
    }
}
