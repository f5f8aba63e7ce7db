//! Bodies on their way, counted.

use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body_util::{Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

use crate::{
    tally::{TOLD_WITHIN, Tally},
    upstream::Download,
};

/// Why a body ended early.
pub(crate) type Broken = Box<dyn Error + Send + Sync>;

/// What goes to the origin.
pub(crate) enum Upload {
    /// Nothing.
    Empty,
    /// What comes from the sandbox, as it comes.
    Streamed(Counted<Incoming>),
    /// What was held to put a value into it.
    Held(Full<Bytes>),
}

/// What goes to the sandbox.
pub(crate) enum Reply {
    /// The proxy's own words.
    Own(Full<Bytes>),
    /// What comes from the origin over HTTP/1.1.
    Line(Counted<Download>),
    /// What comes from the origin over HTTP/2.
    Stream(Counted<Incoming>),
    /// What comes from the origin without what must not come back.
    Scrubbed(UnsyncBoxBody<Bytes, Broken>, Arc<Tally>),
}

impl Reply {
    /// The proxy's own words.
    pub(crate) fn own(words: Bytes) -> Self {
        Self::Own(Full::new(words))
    }

    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::own(Bytes::new())
    }
}

/// After so many frames a body is one that lasts.
const FEW: u32 = 8;

/// Which way a body goes.
#[derive(Clone, Copy)]
pub(crate) enum Towards {
    Origin,
    Sandbox,
}

/// A body whose bytes are counted and told in time.
pub(crate) struct Counted<B> {
    body: B,
    tally: Arc<Tally>,
    towards: Towards,
    frames: u32,
    /// Runs while bytes that passed were not told.
    owed: Option<Pin<Box<Sleep>>>,
    places: Option<OwnedSemaphorePermit>,
}

impl<B> Counted<B> {
    /// `body`, counted by `tally`.
    pub(crate) const fn new(body: B, tally: Arc<Tally>, towards: Towards) -> Self {
        Self {
            body,
            tally,
            towards,
            frames: 0,
            owed: None,
            places: None,
        }
    }

    /// What counts it.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Keeps these until it is dropped.
    pub(crate) fn keep(&mut self, places: OwnedSemaphorePermit) {
        self.places = Some(places);
    }

    /// Whoever waits for the next frame may wait long: what is owed is told in time.
    fn settle(&mut self, cx: &mut Context<'_>) {
        if self.owed.is_none() && self.tally.owes() {
            self.owed = Some(Box::pin(sleep(TOLD_WITHIN)));
        }
        if let Some(owed) = &mut self.owed
            && owed.as_mut().poll(cx).is_ready()
        {
            self.tally.tell();
            self.owed = None;
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    match self.towards {
                        Towards::Origin => self.tally.sent(data.len()),
                        Towards::Sandbox => self.tally.received(data.len()),
                    }
                }
                // Most bodies are over by now, and told at their end.
                self.frames = self.frames.saturating_add(1);
                if self.frames > FEW {
                    self.settle(cx);
                }
            }
            Poll::Pending => self.settle(cx),
            Poll::Ready(_) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Streamed(body) => match Pin::new(body).poll_frame(cx) {
                // Trailers may be left out by whoever is between (RFC 9110 section 6.5.1). Those of a request would
                // pass unread, and a few servers take them for headers.
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => Poll::Ready(None),
                polled => polled.map_err(Broken::from),
            },
            Self::Held(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streamed(body) => body.is_end_stream(),
            Self::Held(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streamed(body) => body.size_hint(),
            Self::Held(body) => body.size_hint(),
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let (polled, tally) = match self.get_mut() {
            Self::Own(body) => {
                let polled = Pin::new(body).poll_frame(cx);
                return polled.map_err(|never| match never {});
            }
            Self::Line(body) => (
                Pin::new(&mut *body).poll_frame(cx).map_err(Broken::from),
                &body.tally,
            ),
            Self::Stream(body) => (
                Pin::new(&mut *body).poll_frame(cx).map_err(Broken::from),
                &body.tally,
            ),
            Self::Scrubbed(body, tally) => (Pin::new(body).poll_frame(cx), &*tally),
        };
        polled.map_ok(|frame| frame.map_data(|data| tally.with(data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Line(body) => body.is_end_stream(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Scrubbed(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Line(body) => body.size_hint(),
            Self::Stream(body) => body.size_hint(),
            Self::Scrubbed(body, _) => body.size_hint(),
        }
    }
}
