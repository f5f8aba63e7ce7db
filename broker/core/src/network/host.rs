//! The name of a host, in the one spelling that is compared.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// Longest name, in bytes (RFC 1035 section 2.3.4).
const LENGTH: usize = 253;
/// Longest label, in bytes.
const LABEL: usize = 63;

/// A DNS name of letters, digits, hyphens and underscores in lower case and without a final dot, or the
/// canonical text of an IP address (RFC 5952 for IPv6, without brackets).
///
/// What resolvers of this machine would read as an address in another notation (`0x7f.1`, `2130706433`,
/// `127.1`) is no name here: a last label that is a number, decimal or hexadecimal, is refused (WHATWG URL,
/// "ends in a number").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(Box<str>);

/// What is no name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a host is a name of letters, digits, `-` and `_` in labels of 1 to 63, or an IP address in its usual notation"
)]
pub struct BadHost;

impl HostName {
    /// Accepts a name in any case, one final dot, an IPv4 address of four decimal numbers, and an IPv6
    /// address with or without brackets. An IPv6 address with a zone is refused.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        if let Some(inside) = text.strip_prefix('[') {
            let inside = inside.strip_suffix(']').ok_or(BadHost)?;
            return inside
                .parse()
                .map(|ip: Ipv6Addr| Self::from(IpAddr::V6(ip)))
                .map_err(|_| BadHost);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::from(ip));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let labels = || name.split('.');
        let fine = name.len() <= LENGTH && labels().all(is_label);
        let last = labels().next_back().unwrap_or_default();
        if fine && !is_number(last) {
            Ok(Self(name.into()))
        } else {
            Err(BadHost)
        }
    }

    /// The name, or the address without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// The domains that it is in, from the nearest to the farthest: `a.b.c` is in `b.c` and `c`. An
    /// address is in none.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        let name = if self.ip().is_some() { "" } else { &*self.0 };
        name.match_indices('.')
            .filter_map(move |(dot, _)| name.get(dot + 1..))
    }
}

impl From<IpAddr> for HostName {
    fn from(ip: IpAddr) -> Self {
        Self(ip.to_string().into())
    }
}

impl From<Ipv4Addr> for HostName {
    fn from(ip: Ipv4Addr) -> Self {
        IpAddr::V4(ip).into()
    }
}

/// As it stands in a URL: an IPv6 address in brackets.
impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]", self.0)
        } else {
            f.write_str(&self.0)
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = BadHost;
    fn try_from(text: String) -> Result<Self, BadHost> {
        Self::parse(&text)
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0.into()
    }
}

fn is_label(label: &str) -> bool {
    let fine = label
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fine && !label.is_empty()
        && label.len() <= LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::HostName;

    #[test]
    fn there_is_one_spelling() {
        for (text, name) in [
            ("API.Example.COM", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("_srv.x-y.z", "_srv.x-y.z"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("2001:DB8:0::0:1", "[2001:db8::1]"),
            ("[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ] {
            assert_eq!(HostName::parse(text).unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a b",
            "a\0b",
            "a/b",
            "a@b",
            "a:80",
            "a%2eb",
            "ä.de",
            "1",
            "0",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3",
            "a.0x1",
            "a.1",
            "0x",
            "[::1",
            "::1]",
            "[::1]x",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
            "[1.2.3.4]",
            "1.2.3.4.",
            "0x7f.0.0.1",
            "*",
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
        assert!(HostName::parse(&"a".repeat(64)).is_err());
        assert!(HostName::parse(&format!("{}com", "abc.".repeat(63))).is_err());
    }

    #[test]
    fn a_name_is_in_its_domains_and_an_address_in_none() {
        let domains = |text: &str| {
            let host = HostName::parse(text).unwrap();
            host.domains().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(domains("a.b.example"), ["b.example", "example"]);
        assert!(domains("example").is_empty());
        assert!(domains("10.0.0.1").is_empty());
        assert!(domains("::1").is_empty());
    }
}
