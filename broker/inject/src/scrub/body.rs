//! A body of hyper, and its trailers.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::HeaderMap;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::task::coop;

use super::{Live, Scrubber};

/// Bytes that are one step of a task's turn: it has 128 (`tokio::task::coop`).
pub(super) const STEP: usize = 4096;

/// A body whose data and trailers are scrubbed. It has as many bytes as what it wraps, and ends or breaks
/// where that does.
pub struct ScrubbedBody<B> {
    inner: B,
    scrubber: Scrubber,
    trailers: Option<HeaderMap>,
    found_in_trailers: u64,
    ended: bool,
}

impl<B> ScrubbedBody<B> {
    /// Scrubs `inner` of `needles`, also of those that come while it is under way.
    pub fn new(inner: B, needles: impl Into<Live>) -> Self {
        Self {
            inner,
            scrubber: Scrubber::new(needles),
            trailers: None,
            found_in_trailers: 0,
            ended: false,
        }
    }

    /// How often a value was found up to now.
    pub fn found(&self) -> u64 {
        self.scrubber.found() + self.found_in_trailers
    }

    fn rest(&mut self) -> Option<Frame<Bytes>> {
        let held = self.scrubber.finish();
        if !held.is_empty() {
            return Some(Frame::data(held));
        }
        self.trailers.take().map(Frame::trailers)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ScrubbedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    /// Cancel safe: whatever was taken from what it wraps is held here.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        // What comes in the smallest of pieces would keep everybody else from their turn.
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            if this.ended {
                return Poll::Ready(this.rest().map(Ok));
            }
            let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
            turn.made_progress();
            let frame = match frame {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.ended = true;
                    continue;
                }
            };
            match frame.into_data() {
                Ok(data) => {
                    take_steps(data.len(), cx);
                    let data = this.scrubber.feed(data);
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
                Err(frame) => {
                    if let Ok(mut trailers) = frame.into_trailers() {
                        let found = this.scrubber.needles().head(&mut trailers);
                        this.found_in_trailers += found as u64;
                        this.trailers = Some(trailers);
                        this.ended = true;
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let inner = self.ended || self.inner.is_end_stream();
        inner && self.scrubber.held() == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.scrubber.held() as u64;
        let inner = if self.ended {
            SizeHint::with_exact(0)
        } else {
            self.inner.size_hint()
        };
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

/// So that whoever else is served has a turn soon, what takes long counts for more.
fn take_steps(bytes: usize, cx: &mut Context<'_>) {
    for _ in 0..bytes / STEP {
        // None are left: then this turn ends with the next thing that is waited for.
        let Poll::Ready(step) = coop::poll_proceed(cx) else {
            return;
        };
        step.made_progress();
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http::{HeaderMap, HeaderValue};
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use hyper::body::{Body as _, Bytes, Frame};

    use super::super::testing::needles;
    use super::ScrubbedBody;

    fn frames(parts: &[&'static str]) -> Vec<Result<Frame<Bytes>, Infallible>> {
        let frame = |part: &&'static str| Ok(Frame::data(Bytes::from_static(part.as_bytes())));
        parts.iter().map(frame).collect()
    }

    #[test]
    fn the_size_stays_exact() {
        let needles = needles(&["sk-abcdef"], &[]);
        let text = Bytes::from_static(b"key=sk-abcdef, and sk-ab");
        let mut body = ScrubbedBody::new(Full::new(text), &needles);
        assert_eq!(body.size_hint().exact(), Some(24));
        let first = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "key=xxxxxxxxx, and ");
        assert!(!body.is_end_stream(), "something is held back");
        assert_eq!(body.size_hint().exact(), Some(5));
        let last = body.frame().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(last.into_data().unwrap(), "sk-ab");
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert!(body.frame().now_or_never().unwrap().is_none());
        assert_eq!(body.found(), 1);
    }

    #[test]
    fn trailers_are_scrubbed_and_come_last() {
        let needles = needles(&["sk-abcdef"], &[]);
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-message", HeaderValue::from_static("no sk-abcdef"));
        let mut all = frames(&["x sk-a", "bcdef sk-"]);
        all.push(Ok(Frame::trailers(trailers)));
        let body = ScrubbedBody::new(StreamBody::new(stream::iter(all)), &needles);
        let whole = body.collect().now_or_never().unwrap().unwrap();
        assert_eq!(
            whole.trailers().unwrap().get("grpc-message").unwrap(),
            "no xxxxxxxxx"
        );
        assert_eq!(whole.to_bytes(), "x xxxxxxxxx sk-");
    }

    #[test]
    fn an_event_is_not_held_back() {
        let needles = needles(&["sk-abcdef"], &[]);
        let events = stream::iter(frames(&["data: sk-abcdef\n\n", "data: sk-abc\n\n"]));
        let body = StreamBody::new(events.chain(stream::pending()));
        let mut body = ScrubbedBody::new(body, &needles);
        for event in ["data: xxxxxxxxx\n\n", "data: sk-abc\n\n"] {
            let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), event);
        }
        assert!(body.frame().now_or_never().is_none());
    }

    #[test]
    fn what_breaks_is_broken() {
        let needles = needles(&["sk-abcdef"], &[]);
        let parts = [Ok(Frame::data(Bytes::from_static(b"sk-abc"))), Err("cut")];
        let body = StreamBody::new(stream::iter(parts));
        let body = ScrubbedBody::new(body, &Arc::clone(&needles));
        assert_eq!(body.collect().now_or_never().unwrap().unwrap_err(), "cut");
    }
}
