//! Which names this door answers to.

use std::net::SocketAddr;

use http::{Request, header, uri::Authority};

/// The authorities that a request may name.
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// The door's own address, `localhost` with its port, and the authority of the issuer.
    pub(super) fn of(address: SocketAddr, issuer: &str) -> Self {
        let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
        let issuer = issuer.parse::<http::Uri>().ok();
        if let Some(authority) = issuer.as_ref().and_then(http::Uri::authority) {
            hosts.push(authority.as_str().to_ascii_lowercase());
        }
        Self(hosts)
    }

    /// Whether `request` names one of them, once: in its `Host` (RFC 9112 section 3.2) or, in HTTP/2
    /// and in absolute form, in its target.
    pub(super) fn mean<B>(&self, request: &Request<B>) -> bool {
        let mut named = request.headers().get_all(header::HOST).iter();
        let header = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(host), None) => Some(host.as_bytes()),
            (Some(_), Some(_)) => return false,
        };
        let target = request.uri().authority().map(Authority::as_str);
        match (header, target.map(str::as_bytes)) {
            (None, None) => false,
            (Some(host), None) | (None, Some(host)) => self.have(host),
            (Some(host), Some(target)) => self.have(host) && self.have(target),
        }
    }

    fn have(&self, host: &[u8]) -> bool {
        self.0
            .iter()
            .any(|own| own.as_bytes().eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::Hosts;

    fn asked(target: &str, hosts: &[&str]) -> bool {
        let own = Hosts::of("127.0.0.1:7070".parse().unwrap(), "http://Broker.test:7070");
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        own.mean(&request.body(()).unwrap())
    }

    #[test]
    fn only_its_own_names() {
        assert!(asked("/jwks.json", &["127.0.0.1:7070"]));
        assert!(asked("/jwks.json", &["localhost:7070"]));
        assert!(asked("/jwks.json", &["broker.TEST:7070"]));
        assert!(asked(
            "http://localhost:7070/jwks.json",
            &["localhost:7070"]
        ));
        for foreign in ["evil.test:7070", "127.0.0.1", "127.0.0.1:70700", ""] {
            assert!(!asked("/jwks.json", &[foreign]), "{foreign}");
        }
        assert!(!asked("/jwks.json", &[]));
        assert!(!asked("/jwks.json", &["localhost:7070", "localhost:7070"]));
        assert!(!asked("http://evil.test/jwks.json", &["localhost:7070"]));
        assert!(!asked("http://localhost:7070/jwks.json", &["evil.test"]));
    }
}
