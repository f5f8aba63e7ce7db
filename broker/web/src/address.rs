//! Where may be spoken to.

use url::{Host, Url};

/// An address that may be configured: https, or http where the bytes never leave this machine;
/// without a user, a password and a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// An address that may not be spoken to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must begin with `https://`, or with `http://` on a loopback address, and have neither user nor fragment"
)]
pub struct BadAddress;

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadAddress`]; the text is not quoted, for it may hold a password.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let url = Url::parse(text).map_err(|_| BadAddress)?;
        let bare =
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        if bare && (url.scheme() == "https" || is_plain_loopback(&url)) {
            Ok(Self(url))
        } else {
            Err(BadAddress)
        }
    }

    /// The same with these segments at the end of its path.
    #[must_use]
    pub fn below(mut self, segments: &[&str]) -> Self {
        // Only an address without a host has no segments, and there is none.
        if let Ok(mut path) = self.0.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        self
    }

    /// As a URL.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether this is plain http to this machine itself.
pub fn is_plain_loopback(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "http" && here
}

#[cfg(test)]
mod tests {
    use super::{Address, BadAddress};

    #[test]
    fn an_address_is_https_or_stays_on_this_machine() {
        for good in [
            "https://api.example.test/v1?version=2",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/x",
            "http://localhost:9000",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example.test",
            "http://127.0.0.1.example.test",
            "http://192.0.2.1",
            "http://0.0.0.0",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://user@api.example.test",
            "https://:password@api.example.test",
            "https://api.example.test#x",
            "api.example.test",
            "",
        ] {
            assert_eq!(Address::parse(bad), Err(BadAddress), "{bad}");
        }
    }

    #[test]
    fn a_path_grows_at_its_end() {
        for (base, expected) in [
            ("https://a.test", "https://a.test/chat/completions"),
            ("https://a.test/v1", "https://a.test/v1/chat/completions"),
            (
                "https://a.test/v1/?v=2",
                "https://a.test/v1/chat/completions?v=2",
            ),
        ] {
            let address = Address::parse(base).unwrap();
            let grown = address.below(&["chat", "completions"]);
            assert_eq!(grown.url().as_str(), expected);
        }
    }
}
