//! What time it is. The crate's one place that asks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch, by the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which has no core and none of its ports"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// For measuring how long ago something was.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which has no core and none of its ports"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
