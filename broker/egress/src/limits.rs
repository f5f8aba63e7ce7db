//! How much one session's proxy takes: in bytes, in time, in number. Bodies have no bound; what is held of
//! them has.

use std::time::Duration;

/// The bounds of a session's proxy.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest head of a request, in bytes; over it the answer is 431 (RFC 6585 section 5).
    pub head: usize,
    /// Most headers of a request.
    pub headers: usize,
    /// How long a head, or a TLS handshake, may take to arrive; it may take twice as long until a slow
    /// head is noticed.
    pub head_timeout: Duration,
    /// A connection with nothing under way that was silent for this long is closed.
    pub idle_timeout: Duration,
    /// A tunnel, a WebSocket or a request through which no byte went for this long is closed.
    pub tunnel_timeout: Duration,
    /// Most connections at once. More wait in the listener's backlog until one of them ends.
    pub connections: usize,
    /// Most requests at once of one session, on all of its connections. One more waits. Each may need a connection to
    /// its origin.
    pub requests: usize,
    /// Most HTTP/2 streams at once on one connection.
    pub streams: u32,
    /// Most names that are looked up at once for one session. Each takes a thread, for as long as the machine's
    /// resolver wants it; one more waits.
    pub lookups: usize,
    /// How long resolving a name, connecting, and a TLS handshake may take together.
    pub connect_timeout: Duration,
    /// How long a connection to an origin is kept without a request.
    pub upstream_idle: Duration,
    /// Most idle connections that are kept.
    pub upstream_kept: usize,
    /// Largest body that a value is put into, in bytes: it is held whole.
    pub held_body: usize,
    /// Most bodies that are held at once in one session. One more waits.
    pub held_bodies: usize,
    /// How long a body that is held may wait and take to arrive.
    pub held_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 * 1024,
            headers: 128,
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(120),
            tunnel_timeout: Duration::from_secs(3600),
            connections: 256,
            requests: 256,
            streams: 128,
            lookups: 8,
            connect_timeout: Duration::from_secs(10),
            upstream_idle: Duration::from_secs(30),
            upstream_kept: 128,
            held_body: 1024 * 1024,
            held_bodies: 32,
            held_timeout: Duration::from_secs(30),
        }
    }
}
