//! Tells silence from work, without a timer for every request.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};

use crate::Limits;

/// What happened on a connection so far.
#[derive(Default)]
pub(crate) struct Activity {
    read: AtomicU64,
    written: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
    /// What had been read when the last request ended.
    mark: AtomicU64,
}

impl Activity {
    /// Counts as a request until dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    fn is_under_way(&self) -> bool {
        self.begun.load(Ordering::Relaxed) != self.ended.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> u64 {
        let read = self.read.load(Ordering::Relaxed);
        read.wrapping_add(self.written.load(Ordering::Relaxed))
    }

    fn has_part_of_a_head(&self) -> bool {
        self.read.load(Ordering::Relaxed) > self.mark.load(Ordering::Relaxed)
    }
}

/// A request that is not over.
pub(crate) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let read = self.0.read.load(Ordering::Relaxed);
        self.0.mark.store(read, Ordering::Relaxed);
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ready when too little was said for too long: a head that does not end (`heads`, where requests come one
/// after the other), nothing at all, or a request through which nothing goes.
pub(super) async fn silence(activity: &Activity, limits: &Limits, heads: bool) {
    let step = limits.head_timeout.min(limits.idle_timeout);
    let (mut idle, mut stuck, mut partial) = (Duration::ZERO, Duration::ZERO, false);
    loop {
        let (begun, bytes) = (activity.begun.load(Ordering::Relaxed), activity.bytes());
        sleep(step).await;
        if activity.is_under_way() {
            (idle, partial) = (Duration::ZERO, false);
            stuck = if activity.bytes() == bytes {
                stuck + step
            } else {
                Duration::ZERO
            };
        } else if activity.begun.load(Ordering::Relaxed) != begun {
            (idle, stuck, partial) = (Duration::ZERO, Duration::ZERO, false);
        } else {
            let before = std::mem::replace(&mut partial, heads && activity.has_part_of_a_head());
            if before && partial {
                return;
            }
            idle += step;
        }
        if idle >= limits.idle_timeout || stuck >= limits.tunnel_timeout {
            return;
        }
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Metered<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Metered<S> {
    /// `stream`, counted by `activity`.
    pub(crate) const fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    /// The stream.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    fn wrote(&self, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = done {
            self.activity
                .written
                .fetch_add(bytes as u64, Ordering::Relaxed);
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().len().saturating_sub(before);
        self.activity.read.fetch_add(came as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
