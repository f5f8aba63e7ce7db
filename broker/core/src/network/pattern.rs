//! Which endpoints are meant: one host, or all below a domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Endpoint, HostName, Origin, Scheme};

/// A host, or `*.` and a domain for every name below it and not itself; with a scheme and a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginPattern {
    scheme: Scheme,
    below: bool,
    endpoint: Endpoint,
}

/// What is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a host is written as `api.example.com`, `*.example.com`, `api.example.com:8443` or `http://localhost:8080`"
)]
pub struct BadPattern;

impl OriginPattern {
    /// Without a scheme, https is meant; without a port, the scheme's own.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(_) => return Err(BadPattern),
            None => (Scheme::Https, text),
        };
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        let endpoint = Endpoint::parse(rest, Some(scheme.port())).map_err(|_| BadPattern)?;
        if below && endpoint.host.ip().is_some() {
            return Err(BadPattern);
        }
        Ok(Self {
            scheme,
            below,
            endpoint,
        })
    }

    /// Whether the origin is meant.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.covers(&origin.endpoint.host)
            && self.scheme == origin.scheme
            && self.endpoint.port == origin.endpoint.port
    }

    /// Whether the host is meant, at whichever port.
    pub fn covers(&self, host: &HostName) -> bool {
        let name = self.endpoint.host.as_str();
        if self.below {
            host.domains().any(|domain| domain == name)
        } else {
            host.as_str() == name
        }
    }

    /// The one origin that is meant, where it is one.
    pub fn origin(&self) -> Option<Origin> {
        (!self.below).then(|| Origin {
            scheme: self.scheme,
            endpoint: self.endpoint.clone(),
        })
    }

    /// The host, or the domain above all that are meant.
    pub const fn host(&self) -> &HostName {
        &self.endpoint.host
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        let Endpoint { host, port } = &self.endpoint;
        if self.scheme == Scheme::Http {
            f.write_str("http://")?;
        }
        write!(f, "{star}{host}")?;
        if *port != self.scheme.port() {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = BadPattern;
    fn try_from(text: String) -> Result<Self, BadPattern> {
        Self::parse(&text)
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::OriginPattern;
    use crate::network::Origin;

    #[test]
    fn a_pattern_means_what_it_says_and_no_more() {
        for (pattern, url, meant) in [
            ("api.example.com", "https://api.example.com", true),
            ("api.example.com", "http://api.example.com", false),
            ("api.example.com", "https://api.example.com:8443", false),
            ("api.example.com", "https://x.api.example.com", false),
            ("*.example.com", "https://api.example.com", true),
            ("*.example.com", "https://a.b.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("*.example.com", "https://badexample.com", false),
            ("http://localhost:8080", "http://localhost:8080", true),
            ("http://localhost:8080", "http://localhost", false),
            ("127.0.0.1:8443", "https://127.0.0.1:8443", true),
            ("[::1]:8443", "https://[::1]:8443", true),
        ] {
            let pattern = OriginPattern::parse(pattern).unwrap();
            let (origin, _) = Origin::split(url).unwrap();
            assert_eq!(pattern.matches(&origin), meant, "{pattern} {url}");
            assert_eq!(OriginPattern::parse(&pattern.to_string()), Ok(pattern));
        }
        for bad in [
            "",
            "*",
            "*.",
            "*.127.0.0.1",
            "a/b",
            "ftp://a",
            "a*.b",
            "*.*.b",
            "https://",
        ] {
            assert!(OriginPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
