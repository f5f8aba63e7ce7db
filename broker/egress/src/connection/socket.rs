//! A WebSocket: bytes both ways after the handshake, without what must not come back.

use std::{io, sync::Arc};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    task::yield_now,
};
use valetkey_inject::{Live, ScrubbedSocket};
use zeroize::Zeroizing;

use super::{Guest, tunnel};
use crate::{forward::Opening, tally::Tally};

/// How much is held, each way, in bytes.
const BUFFER: usize = 32 * 1024;

/// A WebSocket whose origin has agreed to it.
pub(crate) struct Socket {
    pub client: OnUpgrade,
    pub far: Upgraded,
    pub tally: Arc<Tally>,
    pub needles: Option<Live>,
    /// What is put into the first message.
    pub opening: Option<Opening>,
}

impl Socket {
    /// Carries bytes until a side leaves, or nothing goes through.
    pub(super) async fn run(self, guest: &Guest) {
        let Self {
            client,
            far,
            tally,
            needles,
            opening,
        } = self;
        let Ok(near) = client.await else {
            return;
        };
        let (mut near_reads, near_writes) = split(TokioIo::new(near));
        let (far_reads, mut far_writes) = split(TokioIo::new(far));
        let up = async {
            if let Some(opening) = opening {
                open(opening, guest, &mut near_reads, &mut far_writes, &tally).await?;
            }
            tunnel::copy(near_reads, far_writes, |bytes| tally.sent(bytes)).await
        };
        let down = async {
            match needles {
                Some(needles) => scrubbed(far_reads, near_writes, needles, &tally).await,
                None => tunnel::copy(far_reads, near_writes, |bytes| tally.received(bytes)).await,
            }
        };
        // Both sides say goodbye inside the protocol; once one connection has ended nothing follows.
        tokio::select! {
            _ = async { tokio::try_join!(up, down) } => {}
            () = tunnel::watch(&tally, guest.room.house.limits.tunnel_timeout) => {}
        }
    }
}

/// Reads until the first message is whole and has its value.
async fn open(
    mut opening: Opening,
    guest: &Guest,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    tally: &Tally,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut out = Zeroizing::new(Vec::new());
    loop {
        let came = from.read(&mut buffer).await?;
        if came == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let new = buffer.get(..came).unwrap_or_default();
        out.clear();
        let through = opening.feed(guest, new, &mut out).await?;
        tally.sent(came);
        to.write_all(&out).await?;
        if through {
            return Ok(());
        }
    }
}

async fn scrubbed(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    needles: Live,
    tally: &Tally,
) -> io::Result<()> {
    let mut socket = ScrubbedSocket::new(needles);
    let mut out = Vec::new();
    loop {
        let mut buffer = Vec::with_capacity(BUFFER);
        let came = from.read_buf(&mut buffer).await?;
        tally.received(came);
        if came == 0 {
            socket.finish(&mut out);
        } else {
            let fed = socket.feed(buffer.into(), &mut out);
            fed.map_err(io::Error::other)?;
        }
        to.write_all(&out).await?;
        out.clear();
        if came == 0 {
            return to.shutdown().await;
        }
        // Searching the smallest of frames takes longer than their bytes take to come.
        yield_now().await;
    }
}
