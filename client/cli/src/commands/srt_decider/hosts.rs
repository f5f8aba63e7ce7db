//! The hosts that requests may be for at all.

use serde::Serialize;

/// Longest name, in bytes (RFC 1035 section 2.3.4).
const NAME: usize = 253;
/// Longest label, in bytes.
const LABEL: usize = 63;
/// What names this machine, and all below it (RFC 6761 section 6.3).
const LOOPBACK: &str = "localhost";

/// How a host is written.
const FORM: &str = "a host is written as `api.example.com`, `*.example.com` or `api.example.com:8443`, without a scheme and a path; an address is none";

/// A name, or `*.` and a domain for every name below it and not itself; with a port, or for every port.
///
/// No addresses: the proxy takes one on its list for leave to go there by any name, whatever is at it, and
/// looks no further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub(super) struct Host {
    below: bool,
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads what a person wrote, in any case.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (host, port) = match lower.split_once(':') {
            Some((host, port)) => (
                host,
                // What is no number at all was not meant as a port.
                Some(read_port(port).ok_or(match port.parse::<u64>() {
                    Ok(_) => "its port is from 1 to 65535, without a zero before it",
                    Err(_) => FORM,
                })?),
            ),
            None => (lower.as_str(), None),
        };
        let (below, name) = match host.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, host),
        };
        if !is_name(name) {
            return Err(FORM.to_owned());
        }
        if below && !name.contains('.') {
            return Err(
                "the proxy takes `*.` only before a domain of two labels or more".to_owned(),
            );
        }
        if port.is_none() && is_loopback(name) {
            return Err(
                "of this machine only one port can be meant: write `localhost:8080`".to_owned(),
            );
        }
        Ok(Self {
            below,
            name: name.to_owned(),
            port,
        })
    }

    /// Whether a host, as the proxy spells it, and a port are meant.
    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let named = if self.below {
            host.strip_suffix(self.name.as_str())
                .is_some_and(|before| before.len() > 1 && before.ends_with('.'))
        } else {
            host == self.name
        };
        named && self.port.is_none_or(|own| own == port)
    }
}

/// As it stands in the proxy's list.
impl From<Host> for String {
    fn from(host: Host) -> Self {
        let star = if host.below { "*." } else { "" };
        match host.port {
            Some(port) => format!("{star}{}:{port}", host.name),
            None => format!("{star}{}", host.name),
        }
    }
}

/// Digits without a leading zero, as the proxy reads them.
fn read_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// What the proxy takes for a name: it ends itself where one of its list is none.
fn is_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= NAME
        && name.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= LABEL
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_loopback(name: &str) -> bool {
    name.rsplit('.').next() == Some(LOOPBACK)
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn a_host_is_a_name_that_the_proxy_takes() {
        for (text, listed) in [
            ("API.Example.com", "api.example.com"),
            ("*.example.com", "*.example.com"),
            ("api.example.com:8443", "api.example.com:8443"),
            ("*.example.com:443", "*.example.com:443"),
            ("localhost:8080", "localhost:8080"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(String::from(Host::parse(text).unwrap()), listed);
        }
        for text in [
            "",
            "*",
            "*.",
            "*.com",
            "*.*.com",
            "a*.example.com",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "a.0x7f",
            "::1",
            "[::1]",
            "[::1]:80",
            "10.0.0.1:80",
            "localhost",
            "a.localhost",
            "*.a.localhost",
            "a.example.com.",
            "a..b",
            "-a.b",
            "a_b.example.com",
            "bücher.example",
            "https://a.example.com",
            "a.example.com/x",
            "a.example.com:",
            "a.example.com:0",
            "a.example.com:080",
            "a.example.com:+80",
            "a.example.com:65536",
            "a.example.com:80:90",
            "a b.example.com",
            "a.example.com\n",
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_host_says_how_one_is_written() {
        for (text, says) in [
            ("https://web.test", "a host is written as"),
            ("https://web.test:443/x", "a host is written as"),
            ("web.test:", "a host is written as"),
            ("web.test:65536", "from 1 to 65535"),
            ("web.test:080", "from 1 to 65535"),
        ] {
            let error = Host::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_host_means_what_it_says_and_no_more() {
        for (host, asked, port, meant) in [
            ("a.example.com", "a.example.com", 443, true),
            ("a.example.com", "a.example.com", 80, true),
            ("a.example.com", "b.a.example.com", 443, false),
            ("a.example.com:443", "a.example.com", 80, false),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", ".example.com", 443, false),
            ("*.example.com", "badexample.com", 443, false),
            ("*.example.com", "example.com.evil.test", 443, false),
        ] {
            let pattern = Host::parse(host).unwrap();
            assert_eq!(pattern.matches(asked, port), meant, "{host} {asked}:{port}");
        }
    }
}
