//! ring as the crypto provider of `jsonwebtoken`, which has none of its own for it.
//!
//! It verifies the two algorithms that the broker signs with, and nothing else: there is no symmetric
//! algorithm here for a token to be confused into. It does not sign: the broker signs with key pairs
//! that it holds, while this interface would parse the private key for every token.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    jwk::{EllipticCurve, ThumbprintHash},
};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use signature::Verifier;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: no_rsa,
        rsa_pub_components_from_public_key: no_rsa,
        ec_pub_components_from_private_key: no_ec,
        ed_pub_components_from_private_key: no_ed,
        compute_digest: no_digest,
    },
};

/// Makes ring the provider of this process. Only the first call counts, and later ones do no harm; a
/// provider that something else installed before stays.
pub fn install() {
    let _already_installed = RING.install_default();
}

struct RingVerifier {
    algorithm: Algorithm,
    key: UnparsedPublicKey<Vec<u8>>,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = self.key.verify(message, signature);
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let (family, ring): (_, &'static dyn VerificationAlgorithm) = match algorithm {
        Algorithm::EdDSA => (AlgorithmFamily::Ed, &ED25519),
        Algorithm::ES256 => (AlgorithmFamily::Ec, &ECDSA_P256_SHA256_FIXED),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    if key.family() != family {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(RingVerifier {
        algorithm: *algorithm,
        key: UnparsedPublicKey::new(ring, key.try_get_as_bytes()?.to_vec()),
    }))
}

fn unsupported<T>(what: &str) -> Result<T, Error> {
    Err(ErrorKind::Provider(what.to_owned()).into())
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    unsupported("this provider does not sign")
}

fn no_rsa(_: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    unsupported("this provider knows no RSA keys")
}

fn no_ec(_: &[u8], _: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>), Error> {
    unsupported("this provider takes no private keys")
}

fn no_ed(_: &[u8], _: &EllipticCurve) -> Result<Vec<u8>, Error> {
    unsupported("this provider takes no private keys")
}

fn no_digest(_: &[u8], _: ThumbprintHash) -> Result<Vec<u8>, Error> {
    unsupported("this provider makes no thumbprints")
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey};

    use super::verifier;

    #[test]
    fn a_key_is_used_with_its_own_algorithm_alone() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let ed = DecodingKey::from_ed_components(x).unwrap();
        let shared = DecodingKey::from_secret(x.as_bytes());
        assert!(verifier(&Algorithm::EdDSA, &ed).is_ok());
        for (algorithm, key) in [
            (Algorithm::ES256, &ed),
            (Algorithm::HS256, &ed),
            (Algorithm::EdDSA, &shared),
            (Algorithm::HS256, &shared),
        ] {
            assert!(verifier(&algorithm, key).is_err(), "{algorithm:?}");
        }
    }
}
