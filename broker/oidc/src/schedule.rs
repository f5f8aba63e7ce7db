//! When a login is renewed next.

use valetkey_core::{Deadline, Moment, ports::Entropy};

/// Least and most seconds between two renewals that succeed.
const SOONEST: u64 = 30;
const LATEST: u64 = 3600;
/// Seconds before a renewal that failed is tried again: the first time, and at most.
const RETRY: u64 = 5;
const RETRY_LATEST: u64 = 300;

/// At half of `lifetime` seconds, a tenth more or less; never later than half of the grace, so that
/// one failure does not use it up.
pub(crate) fn after_success(
    now: Moment,
    lifetime: u64,
    grace: u64,
    entropy: &dyn Entropy,
) -> Deadline {
    let half = (lifetime / 2).clamp(SOONEST, LATEST);
    now.after(jitter(half, entropy).min(grace / 2))
}

/// Twice as long after each failure, and in time for the end of the grace, `left` seconds from now.
pub(crate) fn after_failure(
    now: Moment,
    failures: u32,
    left: u64,
    entropy: &dyn Entropy,
) -> Deadline {
    let wait = RETRY
        .saturating_mul(1 << failures.min(16))
        .min(RETRY_LATEST);
    let wait = jitter(wait, entropy);
    // One second more, so that at the end of the grace it is over.
    let wait = if left > 0 { wait.min(left + 1) } else { wait };
    now.after(wait)
}

/// A tenth more or less.
fn jitter(seconds: u64, entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 2];
    entropy.fill(&mut bytes);
    let permille = 900 + u64::from(u16::from_be_bytes(bytes)) % 201;
    seconds.saturating_mul(permille) / 1000
}

#[cfg(test)]
mod tests {
    use valetkey_core::{Boot, Moment, ports::Entropy};

    use super::{after_failure, after_success};

    const NOW: Moment = Moment {
        unix_ms: 1_800_000_000_000,
        boot_us: 50_000_000,
        boot: Boot(7),
    };
    const DAY: u64 = 86_400;

    struct Fixed(u16);

    impl Entropy for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.copy_from_slice(&self.0.to_be_bytes());
        }
    }

    #[test]
    fn at_half_life_a_tenth_more_or_less() {
        let wait = |lifetime, grace, dice| {
            after_success(NOW, lifetime, grace, &Fixed(dice)).remaining_seconds(NOW)
        };
        assert_eq!(wait(1000, DAY, 0), 450);
        assert_eq!(wait(1000, DAY, 100), 500);
        assert_eq!(wait(1000, DAY, 200), 550);
        assert_eq!(wait(10, DAY, 100), 30, "not more often than every 30 s");
        assert_eq!(wait(DAY, DAY, 100), 3600, "at least once an hour");
        assert_eq!(wait(DAY, 120, 100), 60, "twice within the grace");
    }

    #[test]
    fn failures_are_retried_ever_slower_until_the_grace_is_over() {
        let wait =
            |failures, left| after_failure(NOW, failures, left, &Fixed(100)).remaining_seconds(NOW);
        assert_eq!(wait(0, DAY), 5);
        assert_eq!(wait(3, DAY), 40);
        assert_eq!(wait(60, DAY), 300);
        assert_eq!(wait(60, 20), 21);
        assert_eq!(wait(60, 0), 300);
    }
}
