//! How often a session may ask: a bucket of requests that fills with time.

use std::sync::{Mutex, PoisonError};

use valetkey_core::Moment;

use crate::Pace;

/// One request, in the unit that the bucket counts in: what a microsecond brings at one per second.
const REQUEST: u64 = 1_000_000;

/// A session's bucket. Full at first.
pub(super) struct Bucket {
    pace: Pace,
    state: Mutex<State>,
}

struct State {
    credit: u64,
    at: Option<Moment>,
    dry: bool,
}

/// The bucket is empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dry {
    /// Whether this is the first refusal since a request was let through.
    pub first: bool,
}

impl Bucket {
    pub(super) fn new(pace: Pace) -> Self {
        let state = State {
            credit: u64::from(pace.burst) * REQUEST,
            at: None,
            dry: false,
        };
        Self {
            pace,
            state: Mutex::new(state),
        }
    }

    /// Takes one request out.
    pub(super) fn take(&self, now: Moment) -> Result<(), Dry> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state.at.get_or_insert(now);
        // By the monotonic clock alone: setting the wall clock gives nobody more requests.
        let passed = now.boot_us.saturating_sub(before.boot_us);
        let earned = passed.saturating_mul(u64::from(self.pace.per_second));
        let full = u64::from(self.pace.burst) * REQUEST;
        state.credit = state.credit.saturating_add(earned).min(full);
        state.at = Some(now);
        if let Some(left) = state.credit.checked_sub(REQUEST) {
            state.credit = left;
            state.dry = false;
            Ok(())
        } else {
            let first = !state.dry;
            state.dry = true;
            Err(Dry { first })
        }
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{Boot, Moment};

    use super::{Bucket, Dry};
    use crate::Pace;

    fn at(boot_us: u64) -> Moment {
        Moment {
            unix_ms: 0,
            boot_us,
            boot: Boot(1),
        }
    }

    #[test]
    fn a_burst_then_the_average() {
        let bucket = Bucket::new(Pace {
            per_second: 10,
            burst: 3,
        });
        for _ in 0..3 {
            assert_eq!(bucket.take(at(0)), Ok(()));
        }
        assert_eq!(bucket.take(at(0)), Err(Dry { first: true }));
        assert_eq!(bucket.take(at(99_999)), Err(Dry { first: false }));
        assert_eq!(bucket.take(at(100_000)), Ok(()));
        assert_eq!(bucket.take(at(100_000)), Err(Dry { first: true }));
    }

    #[test]
    fn rest_fills_it_to_the_brim_and_no_further() {
        let bucket = Bucket::new(Pace {
            per_second: 1000,
            burst: 2,
        });
        let later = at(3_600_000_000);
        let answers: Vec<_> = (0..3).map(|_| bucket.take(later).is_ok()).collect();
        assert_eq!(answers, [true, true, false]);
    }
}
