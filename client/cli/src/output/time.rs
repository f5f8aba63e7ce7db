//! Points in time and lengths of time, as people read them.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

/// Seconds since the Unix epoch as local time; the number itself where it is none.
pub(crate) fn moment(seconds: u64) -> String {
    let stamp = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map_or_else(
        || seconds.to_string(),
        |stamp| {
            let local = stamp.to_zoned(TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        },
    )
}

/// How long it is until then: `7h 59m`, or `over`.
pub(crate) fn remaining(until: u64) -> String {
    left(until, now())
}

/// The same as seen at `now`.
pub(crate) fn left(until: u64, now: u64) -> String {
    match until.checked_sub(now) {
        None | Some(0) => "over".to_owned(),
        Some(seconds) => span(seconds),
    }
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// What to tell of a time until `until` where more was asked for. A few seconds less are the way of the request.
pub(crate) fn shortfall(asked: Duration, until: u64, now: u64) -> Option<String> {
    const WAY: u64 = 10;
    let (asked, given) = (asked.as_secs(), until.saturating_sub(now));
    (given + WAY < asked).then(|| {
        let (asked, given) = (span(asked), span(given));
        format!("{asked} was asked for; a limit makes it {given}")
    })
}

/// Seconds in their two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{part}"),
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => two(minutes, "m", seconds % 60, "s"),
        3_600..86_400 => two(hours, "h", minutes % 60, "m"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{moment, remaining, shortfall, span};

    #[test]
    fn two_units_are_enough() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m 1s"),
            (3_600, "1h"),
            (28_799, "7h 59m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn less_than_was_asked_for_is_told() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        assert_eq!(
            shortfall(hours(24), 29_000, 200).unwrap(),
            "1d was asked for; a limit makes it 8h"
        );
        assert_eq!(shortfall(hours(8), 28_995, 200), None);
        assert_eq!(shortfall(hours(1), 28_995, 200), None);
        assert!(shortfall(hours(1), 100, 200).is_some(), "it is over");
    }

    #[test]
    fn what_is_over_is_over_and_what_is_no_time_is_a_number() {
        assert_eq!(remaining(0), "over");
        assert_eq!(moment(u64::MAX), u64::MAX.to_string());
    }
}
