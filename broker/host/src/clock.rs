//! The clocks of the system.

use std::{fs, io};

use rustix::time::{ClockId, Timespec, clock_gettime};
use valetkey_core::{Boot, Moment, ports::Clock};

/// `CLOCK_REALTIME` and `CLOCK_BOOTTIME`.
#[derive(Debug)]
pub struct SystemClock {
    boot: Boot,
}

impl SystemClock {
    /// Reads once which boot of the machine this is.
    ///
    /// # Errors
    /// `/proc/sys/kernel/random/boot_id` cannot be read or is no UUID.
    pub fn new() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        let id = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?;
        Ok(Self { boot: Boot(id) })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let (wall, boot) = (
            clock_gettime(ClockId::Realtime),
            clock_gettime(ClockId::Boottime),
        );
        Moment {
            unix_ms: in_units(wall, 1_000),
            boot_us: in_units(boot, 1_000_000),
            boot: self.boot,
        }
    }
}

/// Whole units of which there are `per_second`. A wall clock before 1970 counts as 1970.
fn in_units(time: Timespec, per_second: u64) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(per_second)
        .saturating_add(nanoseconds / (1_000_000_000 / per_second))
}

#[cfg(test)]
mod tests {
    use rustix::time::Timespec;
    use valetkey_core::ports::Clock as _;

    use super::{SystemClock, in_units};

    #[test]
    fn reads_both_clocks_of_this_boot() {
        let clock = SystemClock::new().unwrap();
        let (one, other) = (clock.now(), clock.now());
        assert_eq!(one.boot, SystemClock::new().unwrap().now().boot);
        assert_ne!(one.boot.0, 0);
        assert!(other.boot_us >= one.boot_us);
        assert!(one.unix_seconds() > 1_700_000_000, "{one:?}");
    }

    #[test]
    fn converts_and_never_wraps() {
        let time = Timespec {
            tv_sec: 5,
            tv_nsec: 999_999_999,
        };
        assert_eq!(in_units(time, 1_000), 5_999);
        assert_eq!(in_units(time, 1_000_000), 5_999_999);
        let before = Timespec {
            tv_sec: -5,
            tv_nsec: 0,
        };
        assert_eq!(in_units(before, 1_000), 0);
    }
}
