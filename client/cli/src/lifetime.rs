//! Lengths of time as people write them: `90s`, `10m`, `8h`, `1d`, or seconds.

use std::time::Duration;

/// Reads a length of time; at least a second.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write it as `90s`, `10m`, `8h`, `1d` or a number of seconds";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => return Err(FORM.to_owned()),
    };
    if digits.starts_with('-') {
        return Err("it cannot be negative".to_owned());
    }
    // `u64` would take a leading plus.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM.to_owned());
    }
    let seconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| i64::try_from(*seconds).is_ok())
        .ok_or("it is longer than anything")?;
    if seconds == 0 {
        return Err("it has to be at least a second".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn every_unit_is_read() {
        for (text, seconds) in [
            ("1", 1),
            ("90s", 90),
            ("10m", 600),
            ("8h", 28_800),
            ("1d", 86_400),
            ("007", 7),
        ] {
            assert_eq!(parse(text).unwrap().as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_lifetime_is_refused() {
        for text in [
            "",
            "0",
            "0s",
            "0d",
            "-1",
            "-1h",
            "+1",
            "1w",
            "1.5h",
            "h",
            "10 m",
            "1h30m",
            "1hh",
            "１",
            "9223372036854775808",
            "99999999999999999999",
            "106751991167301d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
