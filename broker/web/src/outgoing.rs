//! What is sent. Wiped when it has been.

use hyper::{
    body::Bytes,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use zeroize::Zeroizing;

/// The body of a request and the headers that belong to it.
pub struct Outgoing {
    headers: HeaderMap,
    body: Bytes,
}

impl Outgoing {
    /// A body of this media type. It is wiped when the last reader drops it.
    pub fn new(media_type: &'static str, body: Zeroizing<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Self {
            headers,
            body: wiped(body),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Its headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_parts(self) -> (HeaderMap, Bytes) {
        (self.headers, self.body)
    }
}

/// The value of `Authorization` for a bearer token (RFC 6750 section 2.1), wiped when it has been
/// sent; `None` where the token has bytes that no header takes, such as the end of a line.
pub fn bearer(token: &[u8]) -> Option<HeaderValue> {
    // Reserved at once: a buffer that grows leaves copies of what it held.
    let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len().saturating_add(token.len())));
    text.extend_from_slice(SCHEME);
    text.extend_from_slice(token);
    let mut value = HeaderValue::from_maybe_shared(wiped(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn wiped(bytes: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(Wiped(bytes))
}

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

const SCHEME: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_token_is_marked_as_sensitive_and_cannot_end_its_line() {
        let value = bearer(b"canary").unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer canary");
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(bearer(b"canary\r\nX: y"), None);
        assert_eq!(bearer(b"canary\n"), None);
    }
}
