//! Bytes to an origin and back, unseen but for the host that TLS names.

use std::{io, sync::Arc, time::Duration};

use hyper::upgrade::OnUpgrade;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use valetkey_core::network::Endpoint;

use super::{
    Guest,
    hello::{self, Stopped},
    replay::Replay,
};
use crate::tally::{TOLD_WITHIN, Tally};

/// How much is held, each way, in bytes.
const BUFFER: usize = 64 * 1024;

/// A tunnel that was allowed and whose origin answers.
pub(crate) struct Tunnel {
    pub client: OnUpgrade,
    pub far: TcpStream,
    pub endpoint: Endpoint,
    pub tally: Arc<Tally>,
}

impl Tunnel {
    /// Carries bytes until both sides have said all, one of them breaks, or nothing goes through.
    pub(super) async fn run(self, guest: &Guest) {
        let Self {
            client,
            far,
            endpoint,
            tally,
        } = self;
        let Some(near) = client.await.ok().and_then(Replay::of) else {
            return;
        };
        let first = near.first;
        let (mut near_reads, near_writes) = near.stream.into_inner().into_inner().into_split();
        let (far_reads, mut far_writes) = far.into_split();
        // Who speaks first differs: the origin is not kept waiting for the client's first byte.
        let up = async {
            let hello = hello::read(&mut near_reads, &first, &endpoint).await?;
            far_writes.write_all(&hello).await?;
            tally.sent(hello.len());
            drop(hello);
            copy(near_reads, far_writes, |bytes| tally.sent(bytes)).await?;
            Ok(())
        };
        let down = async {
            copy(far_reads, near_writes, |bytes| tally.received(bytes)).await?;
            Ok(())
        };
        let ended = tokio::select! {
            ended = async { tokio::try_join!(up, down) } => ended,
            () = watch(&tally, guest.room.house.limits.tunnel_timeout) => Err(Stopped::Gone),
        };
        if let Err(Stopped::Refused(refusal)) = ended {
            guest.refused(&endpoint.to_string(), refusal).await;
        }
    }
}

/// Tells in time what passed. Ready when nothing did for `idle`.
pub(super) async fn watch(tally: &Tally, idle: Duration) {
    let mut silent = Duration::ZERO;
    while silent < idle {
        tokio::time::sleep(TOLD_WITHIN).await;
        silent = if tally.owes() {
            Duration::ZERO
        } else {
            silent + TOLD_WITHIN
        };
        tally.tell();
    }
}

/// Copies until the end, and says that it is the end.
pub(super) async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: impl Fn(usize),
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let came = from.read(&mut buffer).await?;
        if came == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..came).unwrap_or_default()).await?;
        count(came);
    }
}
