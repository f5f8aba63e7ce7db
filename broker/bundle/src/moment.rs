//! When a bundle ends.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

/// A moment as RFC 3339 writes it, in seconds since the Unix epoch; quoted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expires(pub u64);

impl Expires {
    fn parse(text: &str) -> Option<Self> {
        let moment: Timestamp = text.parse().ok()?;
        u64::try_from(moment.as_second()).ok().map(Self)
    }
}

impl<'de> Deserialize<'de> for Expires {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(from)? {
            toml::Value::String(text) => text,
            toml::Value::Datetime(moment) => moment.to_string(),
            other => other.to_string(),
        };
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(
                "a moment is a date with time and offset (RFC 3339), such as 2027-06-30T00:00:00Z",
            )
        })
    }
}

/// A moment in seconds since the Unix epoch, as a person reads it.
pub fn shown(unix_seconds: u64) -> String {
    let moment = i64::try_from(unix_seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "the end of time".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Expires, shown};

    #[test]
    fn moments_are_those_of_rfc_3339() {
        assert_eq!(Expires::parse("1970-01-01T00:01:00Z"), Some(Expires(60)));
        assert_eq!(
            Expires::parse("1970-01-01T02:01:00+02:00"),
            Some(Expires(60))
        );
        for bad in [
            "",
            "2027-06-30",
            "2027-06-30T00:00:00",
            "1969-12-31T00:00:00Z",
            "7",
        ] {
            assert_eq!(Expires::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn toml_may_quote_it_or_not() {
        #[derive(serde::Deserialize)]
        struct Text {
            at: Expires,
        }
        for text in ["at = \"1970-01-01T00:01:00Z\"", "at = 1970-01-01T00:01:00Z"] {
            assert_eq!(
                toml::from_str::<Text>(text).unwrap().at,
                Expires(60),
                "{text}"
            );
        }
        assert!(toml::from_str::<Text>("at = 1970-01-01").is_err());
        assert!(toml::from_str::<Text>("at = 60").is_err());
    }

    #[test]
    fn people_read_it() {
        assert_eq!(shown(60), "1970-01-01T00:01:00Z");
        assert_eq!(shown(u64::MAX), "the end of time");
    }
}
