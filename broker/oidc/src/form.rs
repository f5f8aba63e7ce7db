//! The body of a request to the token endpoint and its neighbours. Wiped when it has been sent.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use url::form_urlencoded::byte_serialize;
use valetkey_secret::{Destination, RefreshToken, RootSecret};
use valetkey_web::{
    Outgoing,
    header::{AUTHORIZATION, HeaderValue},
};
use zeroize::Zeroizing;

use crate::trouble::Trouble;

/// Larger than any form with a token in it: a buffer that grows leaves copies of what it held.
const CAPACITY: usize = 16 * 1024;

/// A form (RFC 6749 appendix B), and who sends it.
pub(crate) struct Form {
    body: Zeroizing<String>,
    authorization: Option<HeaderValue>,
}

/// How a confidential client says who it is (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    Basic,
    Post,
}

impl Form {
    pub(crate) fn new() -> Self {
        Self {
            body: Zeroizing::new(String::with_capacity(CAPACITY)),
            authorization: None,
        }
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.with_bytes(name, value.as_bytes())
    }

    pub(crate) fn with_refresh_token(self, name: &str, token: &RefreshToken) -> Self {
        token.disclose(Destination::UpstreamRequest, |bytes| {
            self.with_bytes(name, bytes)
        })
    }

    /// A public client says its name only.
    pub(crate) fn by_public(self, client_id: &str) -> Self {
        self.with("client_id", client_id)
    }

    /// A confidential client proves it.
    pub(crate) fn by_confidential(
        self,
        client_id: &str,
        secret: &RootSecret,
        method: ClientAuth,
    ) -> Result<Self, Trouble> {
        secret.disclose(Destination::UpstreamRequest, |secret| match method {
            ClientAuth::Post => Ok(self
                .with("client_id", client_id)
                .with_bytes("client_secret", secret)),
            ClientAuth::Basic => {
                let value = basic(client_id, secret)
                    .ok_or(Trouble::Internal("the client secret fits no header"))?;
                Ok(Self {
                    authorization: Some(value),
                    ..self
                })
            }
        })
    }

    /// The body, wiped when the last reader drops it, and the headers.
    pub(crate) fn into_outgoing(mut self) -> Outgoing {
        // The buffer itself moves on: nothing is copied, and the text's owner is left with nothing.
        let body = std::mem::take(&mut *self.body).into_bytes();
        let outgoing = Outgoing::new("application/x-www-form-urlencoded", Zeroizing::new(body));
        match self.authorization {
            Some(value) => outgoing.with(AUTHORIZATION, value),
            None => outgoing,
        }
    }

    fn with_bytes(mut self, name: &str, value: &[u8]) -> Self {
        if !self.body.is_empty() {
            self.body.push('&');
        }
        self.body.extend(byte_serialize(name.as_bytes()));
        self.body.push('=');
        self.body.extend(byte_serialize(value));
        self
    }
}

/// Both parts are encoded before they are joined, which ordinary Basic authentication does not do.
fn basic(client_id: &str, secret: &[u8]) -> Option<HeaderValue> {
    let mut pair = Zeroizing::new(String::with_capacity(CAPACITY));
    pair.extend(byte_serialize(client_id.as_bytes()));
    pair.push(':');
    pair.extend(byte_serialize(secret));
    let mut text = Zeroizing::new(String::with_capacity(CAPACITY * 2));
    text.push_str("Basic ");
    BASE64_STANDARD.encode_string(pair.as_bytes(), &mut text);
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use valetkey_secret::RootSecret;
    use valetkey_web::header::AUTHORIZATION;
    use zeroize::Zeroizing;

    use super::{ClientAuth, Form};

    fn secret() -> RootSecret {
        RootSecret::new(Zeroizing::new(b"s:e c&ret".to_vec()))
    }

    #[test]
    fn values_are_encoded() {
        let sent = Form::new()
            .with("grant_type", "a b")
            .with("x", "1&y=2")
            .by_public("me")
            .into_outgoing();
        assert_eq!(sent.body(), b"grant_type=a+b&x=1%26y%3D2&client_id=me");
        assert_eq!(sent.headers().get(AUTHORIZATION), None);
    }

    #[test]
    fn a_confidential_client_says_who_it_is_in_one_place() {
        let form = Form::new().with("a", "b");
        let sent = form
            .by_confidential("me", &secret(), ClientAuth::Basic)
            .unwrap()
            .into_outgoing();
        assert_eq!(sent.body(), b"a=b");
        let header = sent.headers().get(AUTHORIZATION).unwrap();
        assert!(header.is_sensitive());
        // me:s%3Ae+c%26ret
        assert_eq!(header.to_str().unwrap(), "Basic bWU6cyUzQWUrYyUyNnJldA==");

        let sent = Form::new()
            .by_confidential("me", &secret(), ClientAuth::Post)
            .unwrap()
            .into_outgoing();
        let expected = b"client_id=me&client_secret=s%3Ae+c%26ret";
        assert_eq!(sent.body(), expected);
        assert_eq!(sent.headers().get(AUTHORIZATION), None);
    }
}
