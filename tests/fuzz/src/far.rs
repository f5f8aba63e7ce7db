//! An origin: reads strictly what it is sent, and answers by the request's path. What it cannot read in
//! one way only is a finding.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    strict::{self, Body, Framing, Head},
    world::World,
};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: Head,
    pub body: Body,
    pub raw: Vec<u8>,
}

impl Request {
    pub fn method(&self) -> &str {
        &self.head.line[0]
    }

    pub fn target(&self) -> &str {
        &self.head.line[1]
    }
}

#[derive(Default)]
struct State {
    /// What was sent and belongs to no whole request yet.
    came: Vec<u8>,
    /// The request whose body is not whole.
    open: Option<(Head, Framing, bool)>,
    /// What the proxy has not read yet.
    answers: Vec<u8>,
    ends: bool,
    upgraded: bool,
    reader: Option<Waker>,
    slow: bool,
}

/// A connection to it.
pub struct Far {
    state: State,
    world: Arc<Mutex<World>>,
    rests: bool,
}

impl Far {
    pub fn new(world: Arc<Mutex<World>>, slow: bool) -> Self {
        let state = State {
            slow,
            ..State::default()
        };
        Self {
            state,
            world,
            rests: false,
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        if state.upgraded {
            state.answers.extend_from_slice(bytes);
            return;
        }
        let idle = state.open.is_none() && state.came.is_empty();
        assert!(
            bytes.is_empty() || !idle || state.answers.is_empty(),
            "a request began before the answer to the last one was read: {}",
            bytes.escape_ascii()
        );
        state.came.extend_from_slice(bytes);
        assert!(state.came.len() < 1 << 20, "a request has no end");
        if state.open.is_none() {
            let head = match strict::head(&state.came, false) {
                Ok(Some(head)) => head,
                Ok(None) => return,
                Err(why) => panic!("{why}: {}", state.came.escape_ascii()),
            };
            let framing = match head.framing() {
                Ok(framing) => framing,
                Err(why) => panic!("{why}: {}", state.came.escape_ascii()),
            };
            let early = head.line[1].contains("/early");
            self.world.lock().unwrap().head(&head, framing);
            let answer = early.then(|| answer(&head, &[]));
            state.open = Some((head, framing, early));
            if let Some(answer) = answer {
                self.say(answer);
            }
        }
        let state = &mut self.state;
        let Some((head, framing, early)) = state.open.clone() else {
            return;
        };
        let body = match strict::body(&state.came[head.length..], framing) {
            Ok(body) => body,
            Err(why) => panic!("{why}: {}", state.came.escape_ascii()),
        };
        let whole = body.whole;
        let request = Request {
            raw: state.came.clone(),
            body,
            head,
        };
        self.world.lock().unwrap().body(&request);
        let Some(length) = whole else { return };
        let end = request.head.length + length;
        assert!(
            state.came.len() == end,
            "bytes after the end of a request: {}",
            state.came.escape_ascii()
        );
        state.came.clear();
        state.open = None;
        state.upgraded = request.head.has("upgrade") && !request.target().contains("/no");
        if !early {
            let answer = answer(&request.head, &request.raw);
            self.say(answer);
        }
    }

    fn say(&mut self, (answer, ends): (Vec<u8>, bool)) {
        self.state.answers.extend(answer);
        self.state.ends |= ends;
        if let Some(reader) = self.state.reader.take() {
            reader.wake();
        }
    }
}

/// What is answered, and whether that ends the connection.
fn answer(head: &Head, raw: &[u8]) -> (Vec<u8>, bool) {
    let path = head.line[1].as_str();
    let is_head = head.line[0] == "HEAD";
    let carried = head.one("authorization").or(head.one("cookie"));
    let carried = carried.unwrap_or(b"none");
    let mut out = Vec::new();
    let first = |out: &mut Vec<u8>, status: &str| {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(b"\r\nX-Echo: ");
        out.extend_from_slice(carried);
        out.extend_from_slice(b"\r\n");
    };
    if head.has("upgrade") && !path.contains("/no") {
        first(&mut out, "101 Switching Protocols");
        out.extend_from_slice(b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n");
        return (out, false);
    }
    if path.contains("/gone") {
        return (out, true);
    }
    if path.contains("/100") {
        out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    if path.contains("/204") {
        first(&mut out, "204 No Content");
        out.extend_from_slice(b"\r\n");
        return (out, false);
    }
    if path.contains("/304") {
        first(&mut out, "304 Not Modified");
        out.extend_from_slice(b"Content-Length: 9\r\n\r\n");
        return (out, false);
    }
    let echo = path.contains("/echo") || path.contains("/chunk") || path.contains("/close");
    let said = if echo { raw } else { b"ok" };
    if path.contains("/chunk") {
        first(&mut out, "200 OK");
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\nTrailer: X-Last\r\n\r\n");
        if !is_head {
            for piece in said.chunks(17) {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\nX-Last: ");
            out.extend_from_slice(carried);
            out.extend_from_slice(b"\r\n\r\n");
        }
        return (out, false);
    }
    let close = path.contains("/close");
    first(
        &mut out,
        if path.contains("/401") {
            "401 No"
        } else {
            "200 OK"
        },
    );
    if path.contains("/to") {
        out.extend_from_slice(b"Location: http://api.test/next?k=");
        out.extend_from_slice(carried);
        out.extend_from_slice(b"\r\n");
    }
    if close {
        out.extend_from_slice(b"Connection: close\r\n\r\n");
    } else {
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", said.len()).as_bytes());
    }
    if !is_head {
        out.extend_from_slice(said);
    }
    (out, close)
}

impl AsyncRead for Far {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.state.answers.is_empty() {
            if self.state.ends {
                return Poll::Ready(Ok(()));
            }
            self.state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.rests = !self.rests;
        if !self.rests {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = if self.state.slow { 53 } else { usize::MAX };
        let fits = self.state.answers.len().min(piece).min(buffer.remaining());
        buffer.put_slice(&self.state.answers[..fits]);
        self.state.answers.drain(..fits);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Far {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.state.ends {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let takes = if self.state.slow {
            bytes.len().min(47)
        } else {
            bytes.len()
        };
        self.read(&bytes[..takes]);
        if self.state.upgraded
            && let Some(reader) = self.state.reader.take()
        {
            reader.wake();
        }
        Poll::Ready(Ok(takes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
