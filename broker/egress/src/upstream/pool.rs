//! Connections that wait for their next request: one pool for all connections of a session between two
//! changes of it, kept apart by what they carried.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::client::conn::http2;
use tokio::time::Instant;
use valetkey_core::{CredentialName, network::Origin};

use super::Line;
use crate::body::Upload;

/// A connection of HTTP/2, shared.
pub(crate) type Stream = http2::SendRequest<Upload>;

/// Which connections may carry a request: to the same origin, with the same credentials. An origin that
/// tells users apart by connection never mixes them up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub origin: Origin,
    pub credentials: Vec<CredentialName>,
}

/// Idle connections of HTTP/1.1 and those of HTTP/2.
pub(crate) struct Pool {
    kept: usize,
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shut: bool,
    count: usize,
    lines: HashMap<Key, Vec<Line>>,
    /// Each with when it was last asked for. What runs over it goes on when it is let go of here.
    streams: HashMap<Key, (Stream, Instant)>,
}

impl Pool {
    /// A pool of at most `kept` connections, each for at most `idle`.
    pub(crate) fn new(kept: usize, idle: Duration) -> Self {
        Self {
            kept,
            idle,
            state: Mutex::default(),
        }
    }

    /// A connection that is still open, the youngest first.
    pub(crate) fn take(&self, key: &Key) -> Option<Line> {
        let now = Instant::now();
        loop {
            let mut line = {
                let mut state = self.locked();
                let line = state.lines.get_mut(key)?.pop()?;
                state.count = state.count.saturating_sub(1);
                line
            };
            if now.saturating_duration_since(line.since) < self.idle && line.is_ready() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, key: Key, mut line: Line) {
        line.since = Instant::now();
        let mut state = self.locked();
        if state.shut || state.count >= self.kept {
            drop(state);
            return;
        }
        state.count += 1;
        state.lines.entry(key).or_default().push(line);
    }

    /// A connection of HTTP/2 that takes another stream.
    pub(crate) fn stream(&self, key: &Key) -> Option<Stream> {
        let mut state = self.locked();
        let (stream, since) = state.streams.get_mut(key)?;
        if stream.is_closed() {
            state.streams.remove(key);
            return None;
        }
        *since = Instant::now();
        Some(stream.clone())
    }

    /// Shares a connection of HTTP/2.
    pub(crate) fn share(&self, key: Key, stream: Stream) {
        let mut state = self.locked();
        if !state.shut {
            state.streams.insert(key, (stream, Instant::now()));
        }
    }

    /// Lets go of what has waited too long.
    pub(crate) fn reap(&self) {
        let now = Instant::now();
        let mut old = Vec::new();
        let mut state = self.locked();
        for lines in state.lines.values_mut() {
            old.extend(lines.extract_if(.., |line| {
                now.saturating_duration_since(line.since) >= self.idle
            }));
        }
        state.lines.retain(|_, lines| !lines.is_empty());
        state.streams.retain(|_, (stream, since)| {
            !stream.is_closed() && now.saturating_duration_since(*since) < self.idle
        });
        state.count = state.count.saturating_sub(old.len());
        drop(state);
    }

    /// Closes every connection and keeps none from now on.
    pub(crate) fn shut(&self) {
        let mut state = self.locked();
        let before = std::mem::take(&mut *state);
        state.shut = true;
        drop(state);
        drop(before);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
