//! An origin that says what it was told to, whatever it is asked.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection to it. It answers the first head that it is sent.
pub struct Script {
    says: Vec<u8>,
    at: usize,
    piece: usize,
    ends: bool,
    asked: bool,
    rests: bool,
    reader: Option<Waker>,
}

impl Script {
    /// Says `says` in pieces, and then ends or falls silent.
    pub fn new(says: Vec<u8>, piece: usize, ends: bool) -> Self {
        Self {
            says,
            at: 0,
            piece,
            ends,
            asked: false,
            rests: false,
            reader: None,
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.says.len() - self.at;
        if !self.asked || (left == 0 && !self.ends) {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.rests = !self.rests;
        if !self.rests && left != 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let fits = left.min(self.piece.max(left / 512)).min(buffer.remaining());
        buffer.put_slice(&self.says[self.at..self.at + fits]);
        self.at += fits;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
