//! Tells silence from work, without a timer for every request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OwnedSemaphorePermit,
    time::sleep,
};
use tokio_util::io::{InspectReader, InspectWriter};

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
        UnderWay {
            activity: Arc::clone(self),
            place: None,
        }
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
pub(crate) struct UnderWay {
    activity: Arc<Activity>,
    place: Option<OwnedSemaphorePermit>,
}

impl UnderWay {
    /// Keeps its place among those that the session may have at once, until it is over.
    pub(crate) fn take(&mut self, place: OwnedSemaphorePermit) {
        self.place = Some(place);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let activity = &self.activity;
        let read = activity.read.load(Ordering::Relaxed);
        activity.mark.store(read, Ordering::Relaxed);
        activity.ended.fetch_add(1, Ordering::Relaxed);
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

/// Told of bytes that went.
type Told = Box<dyn FnMut(&[u8]) + Send>;

/// A stream whose bytes are counted both ways.
pub(crate) type Metered<S> = InspectReader<InspectWriter<S, Told>, Told>;

impl Activity {
    /// `stream`, whose bytes are counted here.
    pub(crate) fn on<S: AsyncRead + AsyncWrite>(self: &Arc<Self>, stream: S) -> Metered<S> {
        let (reads, writes) = (Arc::clone(self), Arc::clone(self));
        let read: Told = Box::new(move |bytes| {
            reads.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        let written: Told = Box::new(move |bytes| {
            let bytes = bytes.len() as u64;
            writes.written.fetch_add(bytes, Ordering::Relaxed);
        });
        InspectReader::new(InspectWriter::new(stream, written), read)
    }
}
