//! Counts what passes for one request or one tunnel and tells it: at the end, and every second before.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::body::Bytes;
use valetkey_core::{CredentialName, SessionId, network::Origin};

use crate::{
    connection::UnderWay,
    gate::{Gate, Used},
};

/// How long a byte that passed may wait until it is told.
pub(crate) const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Bytes of one request's bodies, or of one tunnel. The end is told when the last holder lets go, whichever
/// way that comes about.
pub(crate) struct Tally {
    gate: Arc<dyn Gate>,
    session: SessionId,
    origin: Origin,
    credentials: Vec<CredentialName>,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// The request's connection is not idle meanwhile.
    _under_way: Option<UnderWay>,
}

impl Tally {
    /// Counts a request that is under way, or a tunnel, which is none.
    pub(crate) fn begin(
        gate: &Arc<dyn Gate>,
        session: SessionId,
        origin: Origin,
        credentials: Vec<CredentialName>,
        request: Option<UnderWay>,
    ) -> Arc<Self> {
        Arc::new(Self {
            gate: Arc::clone(gate),
            session,
            origin,
            credentials,
            requests: AtomicU64::new(request.is_some().into()),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            _under_way: request,
        })
    }

    /// So many bytes came from the sandbox.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many bytes went to it.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The same bytes, with which this goes on until they are sent: HTTP/2 takes the last of an answer before the client
    /// does, and what waits there is to count.
    pub(crate) fn with(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Going {
            bytes,
            _tally: Arc::clone(self),
        })
    }

    /// Whether there is something to tell.
    pub(crate) fn owes(&self) -> bool {
        self.sent.load(Ordering::Relaxed) != 0 || self.received.load(Ordering::Relaxed) != 0
    }

    /// Tells what was not told yet.
    pub(crate) fn tell(&self) {
        let requests = self.requests.swap(0, Ordering::Relaxed);
        let sent = self.sent.swap(0, Ordering::Relaxed);
        let received = self.received.swap(0, Ordering::Relaxed);
        if requests == 0 && sent == 0 && received == 0 {
            return;
        }
        let tell = |credential: Option<&CredentialName>, sent, received| {
            let used = Used {
                origin: self.origin.clone(),
                credential: credential.cloned(),
                requests,
                sent,
                received,
            };
            self.gate.used(self.session, used);
        };
        let mut credentials = self.credentials.iter();
        tell(credentials.next(), sent, received);
        // Bytes are counted once, however many values went with them.
        if requests != 0 {
            credentials.for_each(|credential| tell(Some(credential), 0, 0));
        }
    }
}

/// Bytes that are under way as long as they are there.
struct Going {
    bytes: Bytes,
    _tally: Arc<Tally>,
}

impl AsRef<[u8]> for Going {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.tell();
    }
}
