//! Tokens that the broker signs itself: JWT access tokens in the profile of RFC 9068.

mod claims;
mod verify;

use std::{borrow::Cow, mem, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use valetkey_core::{LeaseId, Moment, ports::SourceError, request::Permit};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

pub use claims::{Actor, Claims, SubjectId};
pub use verify::{Unverified, Verifier};

use crate::keys::{SigningKey, SigningKeys};

/// Signs tokens. Nothing outside the broker learns of one before it is used.
pub struct SignedSource {
    issuer: String,
    keys: Arc<SigningKeys>,
}

impl SignedSource {
    /// Tokens will name `issuer`, from whose metadata (RFC 8414) resource servers find the keys.
    pub const fn new(issuer: String, keys: Arc<SigningKeys>) -> Self {
        Self { issuer, keys }
    }

    /// Signs what `permit` allows. The key is read from the keyring for the first token, and made for
    /// the very first.
    pub(crate) async fn obtain(
        &self,
        permit: &Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Result<IssuedToken, SourceError> {
        let expires = permit.expires(now);
        if expires <= now.unix_seconds() {
            return Err(SourceError::Failed("its session is over".to_owned()));
        }
        let keys = self.keys.signing(permit.credential().algorithm, now);
        let keys = keys.await?;
        let (session, grant) = (permit.session(), permit.grant());
        let user = &session.user.id;
        let session_id = session.id.to_string();
        let claims = Claims {
            iss: Cow::Borrowed(&self.issuer),
            sub: Cow::Borrowed(&user.subject),
            sub_id: SubjectId::of(user),
            act: Actor {
                sub: Cow::Owned(format!("session:{session_id}")),
            },
            client_id: Cow::Borrowed(session.agent.as_str()),
            aud: Cow::Borrowed(grant.audience.as_str()),
            scope: Cow::Owned(grant.scopes.to_string()),
            sid: Cow::Owned(session_id),
            jti: Cow::Owned(lease.to_string()),
            iat: now.unix_seconds(),
            exp: expires,
        };
        let mut token = compact(&keys.signing, &claims)?;
        let token = Zeroizing::new(mem::take(&mut *token).into_bytes());
        Ok(IssuedToken::new(token))
    }
}

/// The compact serialization of RFC 7515 section 7.1. Built in a buffer that does not grow, so that
/// no earlier copy of the token is left behind.
pub(crate) fn compact(
    key: &SigningKey,
    claims: &Claims<'_>,
) -> Result<Zeroizing<String>, SourceError> {
    let unmade = |_| SourceError::Failed("its claims cannot be written".to_owned());
    let payload = serde_json::to_vec(claims).map_err(unmade)?;
    let length = key.header().len() + payload.len().div_ceil(3) * 4 + SIGNATURE;
    let mut token = Zeroizing::new(String::with_capacity(length));
    token.push_str(key.header());
    token.push('.');
    BASE64URL.encode_string(&payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    BASE64URL.encode_string(signature, &mut token);
    debug_assert!(token.len() <= length, "the buffer has grown");
    Ok(token)
}

/// Two dots and 64 bytes in base64url.
const SIGNATURE: usize = 2 + 86;

#[cfg(test)]
mod tests;
