//! How much a door takes: in bytes, in time, in number. Each bound is per session or per connection,
//! so whoever reaches one is in nobody else's way.

use std::time::Duration;

/// The bounds of one kind of door.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest head of a request, in bytes; over it the answer is 431 (RFC 6585 section 5).
    pub head: u32,
    /// Largest body of a request or gRPC message, in bytes; over it `request_too_large`.
    pub body: usize,
    /// How long a head may take to arrive. It is also how long an HTTP/1.1 connection may stay silent
    /// between two requests.
    pub head_timeout: Duration,
    /// How long a request may take, its body and its answer included; past it `deadline_exceeded`.
    /// Streams are not bound by it once they have begun. A request that waits for an approval gets the
    /// time of its wait on top, once it has arrived whole.
    pub request_timeout: Duration,
    /// A connection with nothing under way that was silent for this long is closed; it may take twice
    /// as long until that is noticed.
    pub idle_timeout: Duration,
    /// Most connections at once. More wait in the socket's backlog until one of them ends.
    pub connections: usize,
    /// Most HTTP/2 streams at once on one connection.
    pub streams: u32,
    /// Most requests of one session that wait for an approval at once. One more is answered
    /// `approval_pending` at once. Fewer than `connections`, so that a session that waits on all of
    /// these can still ask how it stands.
    pub waiting: usize,
    /// How often a session may ask; `None` for as often as it likes.
    pub pace: Option<Pace>,
    /// How long a session that is over may take to tell its open calls why, before they are cut.
    pub farewell: Duration,
    /// How long the socket of a session that is over tells whoever comes why it refuses, before it is
    /// removed.
    pub linger: Duration,
    /// How long requests that run may go on when the broker stops.
    pub drain: Duration,
}

/// How often a session may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests per second, on average.
    pub per_second: u32,
    /// Requests at once after a rest.
    pub burst: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_second: 1000,
            burst: 2000,
        }
    }
}

/// What session sockets are given.
impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            body: 64 * 1024,
            head_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            connections: 32,
            streams: 100,
            waiting: 16,
            pace: Some(Pace::default()),
            farewell: Duration::from_millis(50),
            linger: Duration::from_secs(300),
            drain: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// What the control socket is given: its owner may store a secret of 64 KiB, verify a long ledger
    /// and wait for a provider.
    pub fn control() -> Self {
        Self {
            body: 128 * 1024,
            request_timeout: Duration::from_secs(120),
            connections: 128,
            pace: None,
            ..Self::default()
        }
    }

    /// What the door of resource servers is given.
    pub fn verifier() -> Self {
        Self {
            body: 0,
            request_timeout: Duration::from_secs(10),
            // Anybody on the machine can connect: silent connections must not keep verifiers out.
            idle_timeout: Duration::from_secs(10),
            connections: 128,
            pace: None,
            ..Self::default()
        }
    }
}
