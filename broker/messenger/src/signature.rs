//! Signatures as Standard Webhooks writes them: HMAC-SHA256 over `id.timestamp.body`, in three headers.
//! Both directions are signed with one secret, and told apart by the body's `type`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use valetkey_web::{Reply, header::HeaderName};
use zeroize::Zeroizing;

/// Names the message: a receiver that knows it already does nothing.
pub(crate) const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When it was sent: seconds since the Unix epoch.
pub(crate) const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// `v1,` and the base64 of the signature; several, separated by spaces, while a secret changes.
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// By how many seconds the sender's clock and ours may differ, and a message be old.
const TOLERANCE: u64 = 5 * 60;
/// Longest id of a message, in bytes.
const ID_LIMIT: usize = 256;
/// Most signatures of one message that are looked at.
const SIGNATURES: usize = 8;

/// The shared secret, ready for use.
pub(crate) struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes.
    pub(crate) fn parse(secret: &[u8]) -> Option<Self> {
        let encoded = secret.strip_prefix(b"whsec_")?;
        // Reserved at once: a buffer that grows leaves copies of what it held.
        let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
        BASE64_STANDARD.decode_vec(encoded, &mut bytes).ok()?;
        let fine = (24..=64).contains(&bytes.len());
        fine.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of [`SIGNATURE`].
    pub(crate) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let tag = hmac::sign(&self.0, &signed(id, &timestamp.to_string(), body));
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

/// A reply and what its headers say of it.
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// # Errors
    /// A sentence where a header is missing, stands there twice or is too long.
    pub(crate) fn of(reply: &'a Reply) -> Result<Self, String> {
        let header = |name: HeaderName| {
            let value = reply.header(name.as_str());
            value.ok_or_else(|| format!("its header `{name}` is missing"))
        };
        let id = header(ID)?;
        if id.is_empty() || id.len() > ID_LIMIT {
            return Err(format!("its `{ID}` has not 1 to {ID_LIMIT} bytes"));
        }
        Ok(Self {
            id,
            timestamp: header(TIMESTAMP)?,
            signatures: header(SIGNATURE)?,
            body: reply.body(),
        })
    }

    /// Whether whoever knows the secret sent this, within five minutes of `now`.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn verify(&self, key: &SigningKey, now: u64) -> Result<(), String> {
        let message = signed(self.id, self.timestamp, self.body);
        let mut signatures = self.signatures.split(' ').take(SIGNATURES);
        let good = signatures.any(|signature| {
            let tag = signature.strip_prefix("v1,");
            let tag = tag.and_then(|tag| BASE64_STANDARD.decode(tag).ok());
            // In constant time.
            tag.is_some_and(|tag| hmac::verify(&key.0, &message, &tag).is_ok())
        });
        if !good {
            return Err("its signature is not right".to_owned());
        }
        let sent = self.timestamp.parse::<u64>();
        let sent = sent.map_err(|_| format!("its `{TIMESTAMP}` is not a number"))?;
        if sent.abs_diff(now) > TOLERANCE {
            return Err(format!(
                "it was signed {} s away from now; check the clocks",
                sent.abs_diff(now)
            ));
        }
        Ok(())
    }
}

fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), timestamp.as_bytes(), body].join(&b'.')
}

#[cfg(test)]
mod tests {
    use super::SigningKey;

    /// The example of the specification.
    #[test]
    fn it_signs_like_everybody_else() {
        let key = SigningKey::parse(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_is_long_and_random_bytes() {
        for bad in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_not base64",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        ] {
            assert!(SigningKey::parse(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
