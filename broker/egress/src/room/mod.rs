//! One session's proxy: its authority, its placeholders, its listener and whoever is connected.

mod epoch;
mod listen;
mod ticket;

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use valetkey_core::{Deadline, SessionId, ports::Cut};
use valetkey_inject::Placeholders;
use zeroize::Zeroizing;

pub(crate) use epoch::Epoch;
pub use ticket::Tickets;
pub(crate) use ticket::{Keepsake, TicketError};

use crate::{
    authority::{Authority, AuthorityError},
    egress::House,
    upstream::Way,
};

/// What belongs to one session.
pub(crate) struct Room {
    pub house: Arc<House>,
    pub session: SessionId,
    pub authority: Authority,
    pub placeholders: Placeholders,
    /// The requests that may be under way at once.
    pub requests: Arc<Semaphore>,
    /// The bodies that may be held at once.
    pub holding: Arc<Semaphore>,
    /// The connections that may speak HTTP/2 at once.
    pub multiplexed: Arc<Semaphore>,
    /// The names that may be looked up at once.
    pub lookups: Arc<Semaphore>,
    /// The session is over.
    pub closing: CancellationToken,
    epoch: Mutex<Arc<Epoch>>,
    occupied: watch::Sender<bool>,
}

impl Room {
    /// A room that nobody is in yet.
    pub(crate) fn new(
        house: Arc<House>,
        session: SessionId,
        placeholders: Placeholders,
        ends: Option<Deadline>,
    ) -> Result<Self, AuthorityError> {
        let authority = Authority::new(house.gate.now(), ends)?;
        Ok(Self::with(house, session, placeholders, authority))
    }

    /// The room that this was kept of. Nobody is in it yet.
    ///
    /// # Errors
    /// Where it is no such thing.
    pub(crate) fn again(
        house: Arc<House>,
        session: SessionId,
        mut kept: Keepsake,
    ) -> Result<Self, TicketError> {
        let key = BASE64_STANDARD.decode(&kept.key);
        let key = Zeroizing::new(key.map_err(|_| TicketError::Unreadable)?);
        let authority = Authority::again(key, kept.from, kept.until);
        let placeholders = Placeholders::new(std::mem::take(&mut kept.placeholders));
        match (authority, placeholders) {
            (Ok(authority), Ok(placeholders)) => {
                Ok(Self::with(house, session, placeholders, authority))
            }
            _ => Err(TicketError::Unreadable),
        }
    }

    /// What [`again`](Self::again) needs.
    pub(crate) fn keepsake(&self) -> Keepsake {
        let (from, until) = self.authority.validity();
        Keepsake {
            key: BASE64_STANDARD.encode(&*self.authority.key()),
            from,
            until,
            placeholders: self.placeholders.all().to_vec(),
        }
    }

    fn with(
        house: Arc<House>,
        session: SessionId,
        placeholders: Placeholders,
        authority: Authority,
    ) -> Self {
        Self {
            authority,
            epoch: Mutex::new(Epoch::new(&house.limits)),
            requests: Arc::new(Semaphore::new(house.limits.requests)),
            holding: Arc::new(Semaphore::new(house.limits.held_bodies)),
            multiplexed: Arc::new(Semaphore::new(house.limits.multiplexed)),
            lookups: Arc::new(Semaphore::new(house.limits.lookups)),
            house,
            session,
            placeholders,
            closing: CancellationToken::new(),
            occupied: watch::Sender::new(false),
        }
    }

    /// How origins are reached.
    pub(crate) fn way(&self) -> Way<'_> {
        self.house.way(&self.lookups)
    }

    /// What new connections belong to.
    pub(crate) fn epoch(&self) -> Arc<Epoch> {
        Arc::clone(&self.epoch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins to cut every connection; those that come later belong to the epoch that begins here. When the
    /// future is ready nothing of the old one runs.
    pub(crate) fn turn(&self) -> impl Future<Output = Cut> + use<> {
        self.turn_to(Epoch::new(&self.house.limits))
    }

    /// Begins to close it for good. When the future is ready its listener is gone too.
    pub(crate) fn close(self: &Arc<Self>) -> impl Future<Output = Cut> + use<> {
        self.closing.cancel();
        // Whoever is accepted at this very moment finds an epoch that is over.
        let over = Epoch::new(&self.house.limits);
        over.begin_end();
        let cutting = self.turn_to(over);
        let mut occupied = self.occupied.subscribe();
        async move {
            let cut = cutting.await;
            // The sender lives as long as the room; without it nobody is in.
            drop(occupied.wait_for(|occupied| !occupied).await);
            cut
        }
    }

    fn turn_to(&self, next: Arc<Epoch>) -> impl Future<Output = Cut> + use<> {
        let old = {
            let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *epoch, next)
        };
        let cut = old.begin_end();
        async move {
            old.ended().await;
            cut
        }
    }

    /// Whether the room was free and open; it is occupied now.
    pub(crate) fn occupy(&self) -> bool {
        let free = self
            .occupied
            .send_if_modified(|occupied| !std::mem::replace(occupied, true));
        if free && self.closing.is_cancelled() {
            self.vacate();
            return false;
        }
        free
    }

    /// The listener is gone.
    pub(crate) fn vacate(&self) {
        self.occupied.send_replace(false);
    }
}
