//! Tokens that are still good, and one flight for any number of callers who want the same one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    Error,
    clock::Clock,
    token::{Key, Token, Wants},
};

/// From this many on, places that hold nothing useful are cleared away.
const ROOM: usize = 64;

type Outcome = Result<Arc<Token>, Error>;

/// The tokens of one session.
pub(crate) struct Cache {
    clock: Clock,
    /// What was fetched in an earlier epoch is neither kept nor handed to anybody but who fetched it.
    epoch: AtomicU64,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// One kind of token. Whoever holds `last` is the one flight; the others wait for the lock.
#[derive(Default)]
struct Slot {
    landed: AtomicU64,
    last: tokio::sync::Mutex<Option<(u64, Outcome)>>,
}

impl Cache {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            epoch: AtomicU64::new(0),
            slots: Mutex::default(),
        }
    }

    /// The time by this cache's clock.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)()
    }

    /// A token that is kept, or the outcome of the flight that this caller makes or joins.
    ///
    /// Cancel safe: when the caller that makes the flight goes away, the next one in line makes it.
    pub(crate) async fn get<F>(&self, key: Key, wants: Wants, fetch: F) -> Outcome
    where
        F: AsyncFnOnce() -> Result<Token, Error>,
    {
        let slot = self.slot(key);
        let seen = slot.landed.load(Ordering::Acquire);
        let mut last = slot.last.lock().await;
        let joined = slot.landed.load(Ordering::Acquire) != seen;
        let epoch = self.epoch();
        match last.as_ref() {
            Some((made, Ok(token)))
                if *made == epoch
                    && (token.left(self.now()) >= wants.left || (joined && !wants.strict)) =>
            {
                return Ok(Arc::clone(token));
            }
            Some((_, Err(error))) if joined => return Err(error.clone()),
            _ => {}
        }
        let outcome = fetch().await.map(Arc::new);
        slot.landed.fetch_add(1, Ordering::Release);
        *last = Some((epoch, outcome.clone()));
        outcome
    }

    /// Keeps a token that a flight of another kind brought home; `epoch` is when that one started.
    pub(crate) async fn keep(&self, key: Key, epoch: u64, token: Arc<Token>) {
        let slot = self.slot(key);
        *slot.last.lock().await = Some((epoch, Ok(token)));
    }

    /// How often everything was dropped.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Drops every token, also those that are on their way.
    pub(crate) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.lock().clear();
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = self.lock();
        if slots.len() >= ROOM {
            let now = self.now();
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_good(now));
        }
        Arc::clone(slots.entry(key).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Only asked of slots that no caller holds.
    fn is_good(&self, now: Duration) -> bool {
        self.last
            .try_lock()
            .is_ok_and(|last| matches!(&*last, Some((_, Ok(token))) if !token.left(now).is_zero()))
    }
}

#[cfg(test)]
mod tests;
