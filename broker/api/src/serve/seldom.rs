//! What happens often and is told seldom, so that nobody fills log and ledger from outside.

use std::sync::{Mutex, PoisonError};

use valetkey_core::Moment;

/// The shortest time between two tellings, in milliseconds.
const PAUSE: u64 = 10_000;

/// Counts happenings between two tellings.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Default)]
struct State {
    told: Option<Moment>,
    since: u64,
}

impl Seldom {
    /// Notes a happening; where it is time to tell, how many there were since the last telling.
    pub(crate) fn happened(&self, now: Moment) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since += 1;
        let due = state.told.is_none_or(|told| now.ms_since(told) >= PAUSE);
        due.then(|| {
            state.told = Some(now);
            std::mem::take(&mut state.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{Boot, Moment};

    use super::Seldom;

    #[test]
    fn a_flood_is_told_once_and_counted() {
        let at = |boot_us| Moment {
            unix_ms: 0,
            boot_us,
            boot: Boot(1),
        };
        let seldom = Seldom::default();
        assert_eq!(seldom.happened(at(0)), Some(1));
        for _ in 0..5 {
            assert_eq!(seldom.happened(at(9_999_000)), None);
        }
        assert_eq!(seldom.happened(at(10_000_000)), Some(6));
    }
}
