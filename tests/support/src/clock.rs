//! A clock that stands still until it is moved.

use std::sync::{Mutex, PoisonError};

use valetkey_core::{Boot, Moment, ports::Clock};

/// A clock for tests. Begins at 2027-01-15T08:00:00Z, one hour after boot.
pub struct MovableClock(Mutex<Moment>);

impl Default for MovableClock {
    fn default() -> Self {
        Self(Mutex::new(Moment {
            unix_ms: 1_800_000_000_000,
            boot_us: 3_600_000_000,
            boot: Boot(1),
        }))
    }
}

impl MovableClock {
    /// Moves both clocks forward.
    pub fn pass_seconds(&self, seconds: u64) {
        self.change(|now| {
            now.unix_ms += seconds * 1000;
            now.boot_us += seconds * 1_000_000;
        });
    }

    /// Sets the clocks in any way, such as the wall clock back.
    pub fn change(&self, change: impl FnOnce(&mut Moment)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
