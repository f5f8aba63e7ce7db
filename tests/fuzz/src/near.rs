//! A client: what it says, in pieces, and what it hears.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How a client behaves, from one byte of the input.
#[derive(Clone, Copy)]
pub struct Manner {
    piece: usize,
    /// It leaves when it has said all; otherwise it falls silent.
    leaves: bool,
    /// Little is taken from it at once.
    slow: bool,
}

impl Manner {
    pub fn of(byte: u8) -> Self {
        Self {
            piece: [usize::MAX, 1, 7, 64][usize::from(byte & 3)],
            leaves: byte & 0x0c == 0x0c,
            slow: byte & 0x10 != 0,
        }
    }
}

pub type Heard = Arc<Mutex<Vec<u8>>>;

pub struct Near {
    says: Vec<u8>,
    at: usize,
    manner: Manner,
    rests: bool,
    heard: Heard,
}

impl Near {
    pub fn new(says: &[u8], manner: Manner) -> (Self, Heard) {
        let heard = Heard::default();
        let near = Self {
            says: says.to_vec(),
            at: 0,
            manner,
            rests: false,
            heard: Arc::clone(&heard),
        };
        (near, heard)
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.says.len() - self.at;
        if left == 0 {
            return if self.manner.leaves {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        }
        self.rests = !self.rests;
        if !self.rests {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A long input in single bytes only takes time.
        let piece = self.manner.piece.max(left / 512 + 1);
        let fits = left.min(piece).min(buffer.remaining());
        buffer.put_slice(&self.says[self.at..self.at + fits]);
        self.at += fits;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let takes = if self.manner.slow {
            bytes.len().min(61)
        } else {
            bytes.len()
        };
        self.heard
            .lock()
            .unwrap()
            .extend_from_slice(&bytes[..takes]);
        Poll::Ready(Ok(takes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
