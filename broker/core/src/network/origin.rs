//! What a connection leads to, and what a request is for.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::{BadHost, HostName};
use crate::{Audience, BadAudience};

/// How an origin is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is meant where none is named.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    /// Which host.
    pub host: HostName,
    /// Which port.
    pub port: u16,
}

impl Endpoint {
    /// Accepts `host:port` and, where `default` is named, `host`. Port 0 is refused.
    pub fn parse(text: &str, default: Option<u16>) -> Result<Self, BadHost> {
        let (host, port) = match text.rsplit_once(':') {
            // The last colon of an address in brackets, or of one without a port, is the address's own.
            Some((host, port))
                if !port.ends_with(']') && (!host.contains(':') || host.ends_with(']')) =>
            {
                (host, Some(port))
            }
            _ => (text, None),
        };
        let port = match port {
            Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok(),
            Some(_) => None,
            None => default,
        };
        Ok(Self {
            host: HostName::parse(host)?,
            port: port.filter(|port| *port != 0).ok_or(BadHost)?,
        })
    }

    /// The socket's address, where the host is an address.
    pub fn socket(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.host.ip()?, self.port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What is no host with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host and its port were expected, as `127.0.0.1:8080` or `[::1]:8080`")]
pub struct BadEndpoint;

impl TryFrom<String> for Endpoint {
    type Error = BadEndpoint;
    fn try_from(text: String) -> Result<Self, BadEndpoint> {
        Self::parse(&text, None).map_err(|_| BadEndpoint)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

/// Scheme, host and port (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Where it is.
    pub endpoint: Endpoint,
}

impl Origin {
    /// Reads `https://host:port` and `https://host`, and what follows the origin: the path, or nothing.
    pub fn split(url: &str) -> Result<(Self, &str), BadHost> {
        let (scheme, rest) = match url.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err(BadHost),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(BadHost)?;
        let endpoint = Endpoint::parse(authority, Some(scheme.port()))?;
        Ok((Self { scheme, endpoint }, path))
    }
}

/// Without the port where it is the scheme's own.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { host, port } = &self.endpoint;
        write!(f, "{}://{host}", self.scheme.id())?;
        if *port != self.scheme.port() {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

/// What an agent wants of the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// To reach an origin at all.
    Connect(Origin),
    /// To send it a request that the broker can see.
    Request {
        /// To which origin.
        origin: Origin,
        /// The method (RFC 9110 section 9), a token as it stands in the request.
        method: Box<str>,
        /// The path, with `/` at the beginning and without query, as it stands in the request.
        path: Box<str>,
    },
}

impl Target {
    /// The scope that stands for connecting.
    pub const CONNECT: &str = "connect";

    /// To which origin.
    pub const fn origin(&self) -> &Origin {
        match self {
            Self::Connect(origin) | Self::Request { origin, .. } => origin,
        }
    }

    /// As what it is asked for: `connect`, or the method. Methods in lower case do not exist, so that
    /// none is taken for `connect`.
    pub fn scope(&self) -> &str {
        match self {
            Self::Connect(_) => Self::CONNECT,
            Self::Request { method, .. } => method,
        }
    }

    /// For what it is asked: the origin, or the URL without its query.
    ///
    /// # Errors
    /// Where that is longer than an audience may be.
    pub fn audience(&self) -> Result<Audience, BadAudience> {
        match self {
            Self::Connect(origin) => Audience::parse(&origin.to_string()),
            Self::Request { origin, path, .. } => Audience::parse(&format!("{origin}{path}")),
        }
    }

    /// Reads back what [`Self::scope`] and [`Self::audience`] said.
    pub fn read(scope: &str, audience: &Audience) -> Option<Self> {
        let (origin, path) = Origin::split(audience.as_str()).ok()?;
        if scope == Self::CONNECT {
            return path.is_empty().then_some(Self::Connect(origin));
        }
        let method = is_method(scope) && path.starts_with('/') && !path.contains(['?', '#']);
        method.then(|| Self::Request {
            origin,
            method: scope.into(),
            path: path.into(),
        })
    }
}

/// Upper-case letters, digits and hyphens, at most 32: every registered method, and no trick.
fn is_method(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Origin, Target};
    use crate::Audience;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for (text, default, read) in [
            ("Example.com:443", None, Some("example.com:443")),
            ("example.com", Some(80), Some("example.com:80")),
            ("example.com", None, None),
            ("[::1]:8080", None, Some("[::1]:8080")),
            ("[::1]", Some(443), Some("[::1]:443")),
            ("::1", Some(443), Some("[::1]:443")),
            ("1.2.3.4:5", None, Some("1.2.3.4:5")),
            ("a:0", None, None),
            ("a:65536", None, None),
            ("a:+80", None, None),
            ("a: 80", None, None),
            ("a:", None, None),
            ("a:80:90", None, None),
            (":80", None, None),
            ("user@a:80", None, None),
        ] {
            let found = Endpoint::parse(text, default).ok();
            assert_eq!(found.map(|e| e.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn what_is_asked_reads_back() {
        let audience = |text: &str| Audience::parse(text).unwrap();
        for (scope, url) in [
            ("connect", "https://api.example.com"),
            ("connect", "http://api.example.com:8080"),
            ("GET", "https://api.example.com/"),
            ("POST", "https://[::1]:8443/v1/chat"),
        ] {
            let target = Target::read(scope, &audience(url)).unwrap();
            assert_eq!(target.scope(), scope);
            assert_eq!(target.audience().unwrap().as_str(), url);
        }
        for (scope, url) in [
            ("connect", "https://a/path"),
            ("get", "https://a/"),
            ("GET", "https://a"),
            ("GET", "https://a/?q"),
            ("GET", "ftp://a/"),
            ("GET", "https://a%2eb/"),
            ("", "https://a/"),
        ] {
            assert_eq!(Target::read(scope, &audience(url)), None, "{scope} {url}");
        }
        assert_eq!(
            Origin::split("https://a:443/x").unwrap().0.to_string(),
            "https://a"
        );
    }
}
