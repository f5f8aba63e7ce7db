//! Checks a token as a resource server should (RFC 9068 section 4).

use std::collections::HashMap;

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, errors::Error};
use valetkey_core::{Algorithm, ports::PublicKey};

use super::Claims;

/// Why a token does not count.
#[derive(Debug, thiserror::Error)]
pub enum Unverified {
    /// It is not an access token, or not one of this issuer's.
    #[error("it is no access token of this issuer")]
    Foreign,
    /// It names no key of the issuer.
    #[error("it names an unknown key")]
    UnknownKey,
    /// Its time has passed.
    #[error("it has expired")]
    Expired,
    /// Its signature or its claims are wrong.
    #[error("{0}")]
    Invalid(#[from] Error),
}

/// The keys of one issuer, by `kid`. A key is good for its own algorithm alone, whatever a token's
/// header says. Needs [`install`](crate::install).
pub struct Verifier {
    issuer: String,
    keys: HashMap<String, (jsonwebtoken::Algorithm, DecodingKey)>,
}

impl Verifier {
    /// For the tokens of `issuer` that were signed with one of `keys`.
    ///
    /// # Errors
    /// A coordinate is not base64url, or an elliptic curve lacks its second.
    pub fn new<'a>(
        issuer: &str,
        keys: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Result<Self, Unverified> {
        let by_kid = |key: &PublicKey| {
            let (algorithm, decoding) = match (key.algorithm, &key.y) {
                (Algorithm::EdDSA, _) => (
                    jsonwebtoken::Algorithm::EdDSA,
                    DecodingKey::from_ed_components(&key.x)?,
                ),
                (Algorithm::ES256, Some(y)) => (
                    jsonwebtoken::Algorithm::ES256,
                    DecodingKey::from_ec_components(&key.x, y)?,
                ),
                (Algorithm::ES256, None) => return Err(Unverified::UnknownKey),
            };
            Ok((key.kid.clone(), (algorithm, decoding)))
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            keys: keys.into_iter().map(by_kid).collect::<Result<_, _>>()?,
        })
    }

    /// The claims of a token for `audience` at `now` (seconds since the Unix epoch), with no leeway.
    ///
    /// # Errors
    /// The token does not count.
    pub fn verify(
        &self,
        token: &[u8],
        audience: &str,
        now: u64,
    ) -> Result<Claims<'static>, Unverified> {
        let header = decode_header(token)?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(Unverified::Foreign);
        }
        let kid = header.kid.ok_or(Unverified::UnknownKey)?;
        let (algorithm, key) = self.keys.get(&kid).ok_or(Unverified::UnknownKey)?;
        let mut validation = Validation::new(*algorithm);
        // Asked below, of the caller's clock.
        validation.validate_exp = false;
        validation.set_audience(&[audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let claims = decode::<Claims<'static>>(token, key, &validation)?.claims;
        if claims.exp <= now {
            return Err(Unverified::Expired);
        }
        Ok(claims)
    }
}
