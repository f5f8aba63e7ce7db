//! How much time has passed, suspended time included: a token does not live longer because the
//! laptop was shut.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A monotonic clock; tests move their own.
pub(crate) type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// The machine's `CLOCK_BOOTTIME`.
pub(crate) fn since_boot() -> Duration {
    read(ClockId::Boottime)
}

/// The wall clock: how long ago the Unix epoch was.
pub(crate) fn since_epoch() -> Duration {
    read(ClockId::Realtime)
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}
