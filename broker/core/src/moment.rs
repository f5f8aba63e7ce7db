//! Points in time, told by two clocks, so that setting one of them never lengthens a life.

use serde::{Deserialize, Serialize};

/// Identifies one boot of the machine: monotonic readings of different boots do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot(pub u128);

/// One reading of the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Wall clock: milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// `CLOCK_BOOTTIME`: microseconds since `boot`, suspended time included.
    pub boot_us: u64,
    /// The boot that `boot_us` counts from.
    pub boot: Boot,
}

impl Moment {
    /// The wall clock in whole seconds, as a JWT's `NumericDate` (RFC 7519 section 2).
    pub const fn unix_seconds(self) -> u64 {
        self.unix_ms / 1000
    }

    /// Milliseconds from `earlier` to here, by the monotonic clock where both readings are of one
    /// boot, by the wall clock otherwise; zero where `earlier` is later.
    pub fn ms_since(self, earlier: Self) -> u64 {
        if self.boot == earlier.boot {
            self.boot_us.saturating_sub(earlier.boot_us) / 1000
        } else {
            self.unix_ms.saturating_sub(earlier.unix_ms)
        }
    }

    /// The end of a life of `seconds` that begins here.
    pub fn after(self, seconds: u64) -> Deadline {
        Deadline {
            unix_ms: self.unix_ms.saturating_add(seconds.saturating_mul(1000)),
            boot_us: self
                .boot_us
                .saturating_add(seconds.saturating_mul(1_000_000)),
            boot: self.boot,
        }
    }
}

/// The end of a life. It has passed as soon as *either* clock says so: a wall clock that is set back
/// does not grow it, and a monotonic clock that restarts with the machine does not either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// By the wall clock: milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// By `CLOCK_BOOTTIME`: microseconds since `boot`.
    pub boot_us: u64,
    /// The boot that `boot_us` counts from.
    pub boot: Boot,
}

impl Deadline {
    /// Whether the life is over at `now`.
    pub fn passed(self, now: Moment) -> bool {
        self.remaining_ms(now) == 0
    }

    /// Whole seconds that are left at `now`: the lesser of what the two clocks say.
    pub fn remaining_seconds(self, now: Moment) -> u64 {
        self.remaining_ms(now) / 1000
    }

    fn remaining_ms(self, now: Moment) -> u64 {
        let by_wall = self.unix_ms.saturating_sub(now.unix_ms);
        if self.boot == now.boot {
            by_wall.min(self.boot_us.saturating_sub(now.boot_us) / 1000)
        } else {
            by_wall
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Boot, Moment};

    const NOON: Moment = Moment {
        unix_ms: 1_000_000,
        boot_us: 5_000_000,
        boot: Boot(1),
    };

    #[test]
    fn setting_the_wall_clock_back_grows_nothing() {
        let end = NOON.after(10);
        let set_back = Moment {
            unix_ms: 0,
            boot_us: NOON.boot_us + 9_000_000,
            boot: NOON.boot,
        };
        assert_eq!(end.remaining_seconds(set_back), 1);
        let later = Moment {
            boot_us: NOON.boot_us + 10_000_000,
            ..set_back
        };
        assert!(end.passed(later));
    }

    #[test]
    fn setting_the_wall_clock_forward_ends_it() {
        let end = NOON.after(10);
        let forward = Moment {
            unix_ms: NOON.unix_ms + 10_000,
            ..NOON
        };
        assert!(end.passed(forward));
    }

    #[test]
    fn after_a_reboot_the_wall_clock_counts() {
        let end = NOON.after(10);
        let rebooted = Moment {
            unix_ms: NOON.unix_ms + 4_000,
            boot_us: 0,
            boot: Boot(2),
        };
        assert_eq!(end.remaining_seconds(rebooted), 6);
    }

    #[test]
    fn a_huge_life_saturates() {
        assert!(!NOON.after(u64::MAX).passed(NOON));
    }
}
