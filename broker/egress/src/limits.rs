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
    /// Most requests at once of one session, on all of its connections. One more is refused at once: over HTTP/2
    /// those that wait would cost the agent nothing, and the broker their heads and bodies.
    pub requests: usize,
    /// How many more of those places an answer in `br` takes until it is over: its window may have 16 MiB. Where they
    /// are not free it is refused; nobody is asked for one.
    pub window_places: u32,
    /// Most connections at once that speak HTTP/2: each holds a window. One more is offered HTTP/1.1.
    pub multiplexed: usize,
    /// Most HTTP/2 streams at once on one connection: no fewer than RFC 9113 section 6.5.2 recommends.
    pub streams: u32,
    /// Most names that are looked up at once for one session. Each takes a thread, for as long as the machine's
    /// resolver wants it; one more waits.
    pub lookups: usize,
    /// Largest head of a request over HTTP/2, in bytes as RFC 9113 section 6.5.2 counts them. Smaller than `head`: each
    /// stream has one.
    pub stream_head: u32,
    /// What one HTTP/2 stream may send before it is read, in bytes: enough for big packs to be fast.
    pub stream_window: u32,
    /// What all streams of one connection may. More than one's, so that an upload that nobody reads does not hold up
    /// the next, and no more than is bearable on every one of `multiplexed`.
    pub connection_window: u32,
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
            lookups: 8,
            window_places: 7,
            multiplexed: 32,
            streams: 100,
            stream_head: 32 * 1024,
            stream_window: 1024 * 1024,
            connection_window: 4 * 1024 * 1024,
            connect_timeout: Duration::from_secs(10),
            upstream_idle: Duration::from_secs(30),
            upstream_kept: 128,
            held_body: 1024 * 1024,
            held_bodies: 32,
            held_timeout: Duration::from_secs(30),
        }
    }
}
