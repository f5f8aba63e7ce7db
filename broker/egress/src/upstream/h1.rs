//! HTTP/1.1 to an origin. The connection is driven by whoever uses it, in the same task: nothing is handed
//! from one to another, and whoever is cut takes it along.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use hyper::{
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::{Key, Leg, Pool};
use crate::body::Upload;

type Driving = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Largest head of an answer, and most that is held of its body, in bytes.
const BUFFER: usize = 256 * 1024;
/// Most headers of an answer.
const HEADERS: usize = 256;

/// A connection to an origin, for one request at a time.
pub(crate) struct Line {
    sender: http1::SendRequest<Upload>,
    driving: Driving,
    ended: bool,
    pub(super) since: Instant,
    /// Whether it has carried a request already.
    pub used: bool,
}

impl Line {
    /// Begins to speak HTTP/1.1 on `leg`.
    pub(crate) async fn open(leg: Leg) -> hyper::Result<Self> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_headers(HEADERS)
            .handshake(TokioIo::new(leg))
            .await?;
        Ok(Self {
            sender,
            driving: Box::pin(connection.with_upgrades()),
            ended: false,
            since: Instant::now(),
            used: false,
        })
    }

    /// Sends a request and waits for the answer's head.
    pub(crate) async fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        self.used = true;
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let (driving, ended) = (&mut self.driving, &mut self.ended);
        std::future::poll_fn(|cx| {
            drive(driving, ended, cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Drives it until `waiting` is ready.
    pub(crate) async fn until<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        let mut waiting = std::pin::pin!(waiting);
        let (driving, ended) = (&mut self.driving, &mut self.ended);
        std::future::poll_fn(|cx| {
            drive(driving, ended, cx);
            waiting.as_mut().poll(cx)
        })
        .await
    }

    /// Whether another request can be sent. Looks at the socket, so that one that the origin has closed
    /// is noticed.
    pub(super) fn is_ready(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        drive(&mut self.driving, &mut self.ended, &mut cx);
        !self.ended && self.sender.is_ready()
    }
}

fn drive(driving: &mut Driving, ended: &mut bool, cx: &mut Context<'_>) {
    // Its failure reaches whoever waits for the answer or its body.
    if !*ended && driving.as_mut().poll(cx).is_ready() {
        *ended = true;
    }
}

/// The body of an answer. At its end the connection goes back to the pool; dropped before, it is closed.
pub(crate) struct Download {
    body: Incoming,
    home: Option<Home>,
}

struct Home {
    line: Line,
    pool: Arc<Pool>,
    key: Key,
}

impl Download {
    /// `body`, which comes over `line`.
    pub(crate) const fn new(body: Incoming, line: Line, pool: Arc<Pool>, key: Key) -> Self {
        Self {
            body,
            home: Some(Home { line, pool, key }),
        }
    }

    fn give_back(&mut self) {
        if let Some(Home {
            mut line,
            pool,
            key,
        }) = self.home.take()
            && line.is_ready()
        {
            pool.give_back(key, line);
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(home) = &mut self.home {
            drive(&mut home.line.driving, &mut home.line.ended, cx);
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => self.give_back(),
            Poll::Ready(Some(Err(_))) => self.home = None,
            _ => {}
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

impl Drop for Download {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.give_back();
        }
    }
}
