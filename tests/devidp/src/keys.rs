//! Signing keys, and the key set that tells the world about them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::config::Alg;
use crate::random;

/// The key that signs, and older ones that still verify.
pub(crate) struct Keys {
    current: Key,
    retired: Vec<Key>,
}

impl Keys {
    pub(crate) fn generate(alg: Alg) -> Result<Self, Unspecified> {
        Ok(Self {
            current: Key::generate(alg)?,
            retired: Vec::new(),
        })
    }

    pub(crate) fn current(&self) -> &Key {
        &self.current
    }

    /// A new key signs; the old one stays in the set.
    pub(crate) fn rotate(&mut self, alg: Alg) -> Result<(), Unspecified> {
        let old = std::mem::replace(&mut self.current, Key::generate(alg)?);
        self.retired.push(old);
        Ok(())
    }

    /// A new key signs; what the old ones signed can no longer be verified.
    pub(crate) fn replace(&mut self, alg: Alg) -> Result<(), Unspecified> {
        *self = Self::generate(alg)?;
        Ok(())
    }

    /// RFC 7517.
    pub(crate) fn jwks(&self) -> Value {
        let keys: Vec<_> = std::iter::once(&self.current)
            .chain(&self.retired)
            .map(Key::jwk)
            .collect();
        json!({ "keys": keys })
    }
}

/// One key pair with its name.
pub(crate) struct Key {
    kid: String,
    pair: Pair,
}

enum Pair {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Ed25519KeyPair),
}

impl Key {
    pub(crate) fn generate(alg: Alg) -> Result<Self, Unspecified> {
        let random = random::source();
        let pair = match alg {
            Alg::Es256 => {
                let document =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
                let pair = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    document.as_ref(),
                    &random,
                );
                Pair::Es256(Box::new(pair.map_err(|_| Unspecified)?))
            }
            Alg::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8(&random)?;
                Pair::EdDsa(Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| Unspecified)?)
            }
        };
        Ok(Self {
            kid: random::token()?,
            pair,
        })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn alg(&self) -> Alg {
        match self.pair {
            Pair::Es256(_) => Alg::Es256,
            Pair::EdDsa(_) => Alg::EdDsa,
        }
    }

    /// A compact JWS (RFC 7515 section 3.1) under the given name, which need not be the key's own.
    pub(crate) fn sign(&self, kid: &str, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "alg": self.alg().name(), "typ": "JWT", "kid": kid });
        let input = signing_input(&header, claims);
        let signature = match &self.pair {
            Pair::Es256(pair) => pair
                .sign(&random::source(), input.as_bytes())?
                .as_ref()
                .to_vec(),
            Pair::EdDsa(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// `at_hash` (OpenID Connect Core section 3.1.3.6): the left half of the hash that the algorithm
    /// uses. For Ed25519 that is SHA-512.
    pub(crate) fn half_hash(&self, text: &str) -> String {
        let algorithm = match self.pair {
            Pair::Es256(_) => &digest::SHA256,
            Pair::EdDsa(_) => &digest::SHA512,
        };
        let hash = digest::digest(algorithm, text.as_bytes());
        let left: Vec<u8> = hash
            .as_ref()
            .iter()
            .copied()
            .take(algorithm.output_len() / 2)
            .collect();
        URL_SAFE_NO_PAD.encode(left)
    }

    fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: 0x04, x, y (SEC 1 section 2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = point
                    .get(1..)
                    .unwrap_or_default()
                    .split_at_checked(32)
                    .unwrap_or_default();
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
                        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
            }
            Pair::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid,
                        "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()) })
            }
        }
    }
}

/// A JWS that claims to need no signature. No client may take it.
pub(crate) fn unsigned(claims: &Value) -> String {
    format!(
        "{}.",
        signing_input(&json!({ "alg": "none", "typ": "JWT" }), claims)
    )
}

/// A JWS signed with a secret that everybody knows. No client may take it.
pub(crate) fn hs256(secret: &str, claims: &Value) -> String {
    let input = signing_input(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
        input.as_bytes(),
    );
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn signing_input(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

    fn decode(value: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn what_is_signed_verifies_with_the_published_key() {
        for alg in [Alg::Es256, Alg::EdDsa] {
            let keys = Keys::generate(alg).unwrap();
            let key = keys.current();
            let token = key.sign(key.kid(), &json!({ "sub": "alice" })).unwrap();
            let (input, signature) = token.rsplit_once('.').unwrap();
            let jwk = &keys.jwks()["keys"][0];
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let verified = match alg {
                Alg::Es256 => {
                    let point = [vec![4], decode(&jwk["x"]), decode(&jwk["y"])].concat();
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                        .verify(input.as_bytes(), &signature)
                }
                Alg::EdDsa => UnparsedPublicKey::new(&ED25519, decode(&jwk["x"]))
                    .verify(input.as_bytes(), &signature),
            };
            assert_eq!(verified, Ok(()), "{alg:?}");
        }
    }

    #[test]
    fn rotation_keeps_the_old_key_and_replacement_does_not() {
        let mut keys = Keys::generate(Alg::EdDsa).unwrap();
        let first = keys.current().kid().to_owned();
        keys.rotate(Alg::EdDsa).unwrap();
        assert_ne!(keys.current().kid(), first);
        assert!(keys.jwks().to_string().contains(&first));
        keys.replace(Alg::EdDsa).unwrap();
        assert!(!keys.jwks().to_string().contains(&first));
    }
}
