//! One key pair that signs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ring::{
    digest::{SHA256, digest},
    pkcs8::Document,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use valetkey_core::{
    Algorithm,
    ports::{PublicKey, SourceError},
};

/// A key pair, parsed once and held: parsing it again for each token costs as much as signing.
pub(crate) struct SigningKey {
    pair: Pair,
    public: PublicKey,
    header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair, SystemRandom),
}

impl SigningKey {
    /// A new pair, as PKCS#8. ring hands it out in a buffer that it does not wipe, as it does not
    /// wipe the pair itself: both are in memory that no other process reads.
    pub(super) fn generate(algorithm: Algorithm) -> Result<Document, SourceError> {
        let random = random();
        let made = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::ES256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            }
        };
        made.map_err(|_| SourceError::Failed("the system gives no randomness".to_owned()))
    }

    /// The pair of a PKCS#8 document; `None` where it is none of this algorithm.
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Self> {
        let pair = match algorithm {
            // "Maybe unchecked" is about documents without the public half, as OpenSSL writes them.
            Algorithm::EdDSA => {
                Pair::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?)
            }
            Algorithm::ES256 => {
                let random = random();
                let form = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(form, pkcs8, &random).ok()?;
                Pair::P256(pair, random)
            }
        };
        let public = public_key(algorithm, pair.public())?;
        let header = format!(
            r#"{{"typ":"at+jwt","alg":"{}","kid":"{}"}}"#,
            algorithm.id(),
            public.kid
        );
        Some(Self {
            pair,
            public,
            header: BASE64URL.encode(header),
        })
    }

    /// The public half.
    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The JOSE header of its tokens, in base64url.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// The signature of RFC 8037 section 3.1 or RFC 7518 section 3.4: 64 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<ring::signature::Signature, SourceError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message)),
            Pair::P256(pair, random) => pair
                .sign(random, message)
                .map_err(|_| SourceError::Failed("the system gives no randomness".to_owned())),
        }
    }
}

impl Pair {
    fn public(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair, _) => pair.public_key().as_ref(),
        }
    }
}

/// A public key as a JWK: 32 bytes of Ed25519, or the uncompressed point of P-256 (SEC 1 section 2.3.3).
fn public_key(algorithm: Algorithm, bytes: &[u8]) -> Option<PublicKey> {
    match algorithm {
        Algorithm::EdDSA => Some(from_coordinates(algorithm, BASE64URL.encode(bytes), None)),
        Algorithm::ES256 => {
            let (x, y) = bytes.strip_prefix(&[4])?.split_at_checked(32)?;
            let (x, y) = (BASE64URL.encode(x), BASE64URL.encode(y));
            Some(from_coordinates(algorithm, x, Some(y)))
        }
    }
}

/// A key that signs now, named by its thumbprint (RFC 7638): the same key has the same name wherever
/// it is written down.
pub(super) fn from_coordinates(algorithm: Algorithm, x: String, y: Option<String>) -> PublicKey {
    let canonical = match &y {
        None => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        Some(y) => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
    };
    PublicKey {
        kid: BASE64URL.encode(digest(&SHA256, canonical.as_bytes())),
        algorithm,
        x,
        y,
        retires: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "ring takes no generator but its own"
)]
fn random() -> SystemRandom {
    SystemRandom::new()
}

#[cfg(test)]
mod tests {
    use valetkey_core::Algorithm;

    use super::{SigningKey, from_coordinates};

    /// RFC 8037 appendix A.3.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
        let key = from_coordinates(Algorithm::EdDSA, x, None);
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_pair_is_of_one_algorithm() {
        let (ed, es) = (Algorithm::EdDSA, Algorithm::ES256);
        for (algorithm, other) in [(ed, es), (es, ed)] {
            let made = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::parse(algorithm, made.as_ref()).unwrap();
            assert_eq!(key.public().y.is_some(), algorithm == es);
            assert_eq!(key.sign(b"message").unwrap().as_ref().len(), 64);
            assert!(SigningKey::parse(other, made.as_ref()).is_none());
            assert!(SigningKey::parse(algorithm, b"garbage").is_none());
        }
    }
}
