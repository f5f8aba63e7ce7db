//! Lengths of time as a person writes them: `90s`, `10m`, `8h`, `30d`.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) u64);

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text.strip_prefix(digits)? {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => return None,
        };
        let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
        (seconds > 0).then_some(Self(seconds))
    }
}

/// As a person writes it: with the largest unit that needs no fraction.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("d", 86400), ("h", 3600), ("m", 60)];
        let fitting = units
            .into_iter()
            .find(|(_, length)| self.0.is_multiple_of(*length));
        let (unit, length) = fitting.unwrap_or(("s", 1));
        write!(f, "{}{unit}", self.0 / length)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(
                "a length of time is a number above 0 with `s`, `m`, `h` or `d`, such as \"10m\"",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn reads_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("8h", 28800),
            ("30d", 2_592_000),
            ("25h", 90_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(seconds)), "{text}");
            assert_eq!(Span(seconds).to_string(), text);
        }
        for bad in [
            "",
            "10",
            "0s",
            "-1s",
            "1w",
            "m",
            "1.5h",
            "99999999999999999999s",
            "1 m",
        ] {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
    }
}
