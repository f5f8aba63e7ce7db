//! Proves that what a key signs verifies with what is published of it, as others will do it, before
//! its first token leaves.

use std::borrow::Cow;

use valetkey_core::ports::SourceError;

use super::pair::SigningKey;
use crate::signed::{Actor, Claims, SubjectId, Verifier, compact};

/// Signs a token that nobody is given and verifies it with another implementation's reading of the
/// public half.
pub(super) fn verifies(key: &SigningKey) -> Result<(), SourceError> {
    crate::install();
    let word = Cow::Borrowed("self-test");
    let claims = Claims {
        iss: word.clone(),
        sub: word.clone(),
        sub_id: SubjectId {
            iss: word.clone(),
            sub: word.clone(),
        },
        act: Actor { sub: word.clone() },
        client_id: word.clone(),
        aud: word.clone(),
        scope: word.clone(),
        sid: word.clone(),
        jti: word.clone(),
        iat: 0,
        exp: 1,
    };
    let token = compact(key, &claims)?;
    let verifier = Verifier::new(&word, [key.public()]);
    match verifier.and_then(|verifier| verifier.verify(token.as_bytes(), &word, 0)) {
        Ok(seen) if seen == claims => Ok(()),
        Ok(_) => Err(SourceError::Failed(
            "a signing key's own token does not say what it was given".to_owned(),
        )),
        Err(error) => Err(SourceError::Failed(format!(
            "a signing key's own token does not verify: {error}"
        ))),
    }
}
