//! Is this ID token true, and for us? OpenID Connect Core 1.0 section 3.1.3.7, all of it.

use std::{
    collections::BTreeSet,
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, EmptyAdditionalClaims,
    IdToken, IdTokenClaims, IssuerUrl, Nonce, SignatureVerificationError,
    core::{
        CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm as Alg,
    },
};
use serde_json::{Map, Value};
use valetkey_core::{User, UserId, text::printable};

use crate::{
    config::ProviderConfig,
    provider::{Provider, Tokens},
    trouble::Trouble,
};

/// What is accepted. Nothing symmetric, not even for a confidential client: whoever can verify such
/// a token can make one.
const ALGORITHMS: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

/// Longest name that is shown, in characters.
const DISPLAY: usize = 80;

type Token =
    IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, Alg>;
type Claims = IdTokenClaims<EmptyAdditionalClaims, CoreGenderClaim>;

/// What this ID token answers.
#[derive(Clone, Copy)]
pub(crate) enum Answers<'a> {
    /// The authorization request with this nonce.
    Request(&'a str),
    /// A device authorization request, which has no nonce.
    Device,
    /// A refresh of this user's login (section 12.2).
    Refresh(&'a UserId),
}

/// What a true ID token says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) user: User,
    /// When it ends: seconds since the Unix epoch.
    pub(crate) expires: u64,
}

/// Verifies the ID token among `tokens`. A key that is not known yet is looked for once more at the
/// provider, because keys rotate.
pub(crate) async fn verify(
    provider: &Provider,
    tokens: &Tokens,
    answers: Answers<'_>,
) -> Result<Verified, Trouble> {
    let text = tokens.id.as_ref().ok_or_else(|| {
        Trouble::Unbelievable(
            "it has no id token; the client must be registered for openid connect".to_owned(),
        )
    })?;
    let keys = provider.keys().await?;
    let now = provider.clock.now().unix_seconds();
    let check = |keys: &CoreJsonWebKeySet| {
        let verifier = Verifier {
            config: &provider.config,
            keys,
            now,
        };
        verifier.verify(text, &tokens.access, answers)
    };
    match check(&keys) {
        Err(Doubt::UnknownKey) => {
            let newer = provider.newer_keys(&keys).await?;
            check(&newer).map_err(Trouble::from)
        }
        checked => checked.map_err(Trouble::from),
    }
}

enum Doubt {
    UnknownKey,
    Other(Trouble),
}

impl From<Doubt> for Trouble {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::UnknownKey => Self::Unbelievable(
                "the id token is signed with a key that the provider does not publish".to_owned(),
            ),
            Doubt::Other(trouble) => trouble,
        }
    }
}

fn doubt<T>(why: impl Into<String>) -> Result<T, Doubt> {
    Err(Doubt::Other(Trouble::Unbelievable(why.into())))
}

struct Verifier<'a> {
    config: &'a ProviderConfig,
    keys: &'a CoreJsonWebKeySet,
    now: u64,
}

impl Verifier<'_> {
    fn verify(&self, text: &str, access: &str, answers: Answers<'_>) -> Result<Verified, Doubt> {
        let Ok(token) = text.parse::<Token>() else {
            return doubt("the id token cannot be read");
        };
        let Ok(issuer) = IssuerUrl::new(self.config.issuer.as_str().to_owned()) else {
            return doubt("the issuer cannot be read");
        };
        let client = ClientId::new(self.config.client_id.clone());
        let keys = CoreJsonWebKeySet::new(self.keys.keys().clone());
        let (skew, now) = (self.config.clock_skew_seconds, self.now);
        let latest = i64::try_from(now.saturating_add(skew)).unwrap_or(i64::MAX);
        let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys)
            .set_allowed_algs(ALGORITHMS)
            // Other audiences are decided by `azp` below.
            .set_other_audience_verifier_fn(|_| true)
            .set_time_fn(move || {
                (UNIX_EPOCH + Duration::from_secs(now.saturating_sub(skew))).into()
            })
            .set_issue_time_verifier_fn(move |issued| {
                if issued.timestamp() <= latest {
                    Ok(())
                } else {
                    Err("it was issued in the future".to_owned())
                }
            });
        let nonce = |found: Option<&Nonce>| match (answers, found) {
            (Answers::Request(sent), Some(found)) => {
                let same = valetkey_secret::same_bytes(sent.as_bytes(), found.secret().as_bytes());
                same.then_some(())
                    .ok_or_else(|| "it answers another request".to_owned())
            }
            (Answers::Request(_), None) => Err("it answers no request".to_owned()),
            (Answers::Device | Answers::Refresh(_), _) => Ok(()),
        };
        let claims = token
            .claims(&verifier, nonce)
            .map_err(|error| told(&error))?;
        let payload = payload(text)?;
        self.authorized_party(claims)?;
        self.not_before(&payload)?;
        access_token_hash(&token, &verifier, claims, access)?;
        self.required(&payload)?;
        self.verified(claims, &payload, answers)
    }

    /// Steps 4 and 5 of the section, which the library leaves to us.
    fn authorized_party(&self, claims: &Claims) -> Result<(), Doubt> {
        let party = claims.authorized_party().map(|party| party.as_str());
        match party {
            Some(party) if party == self.config.client_id => Ok(()),
            Some(party) => doubt(format!("the id token was made for the client `{party}`")),
            None if claims.audiences().len() > 1 => {
                doubt("the id token has several audiences and names no authorized party")
            }
            None => Ok(()),
        }
    }

    /// RFC 7519 section 4.1.5. The library does not know this claim.
    fn not_before(&self, payload: &Map<String, Value>) -> Result<(), Doubt> {
        match payload.get("nbf") {
            None => Ok(()),
            Some(at) => match at.as_f64() {
                #[expect(clippy::cast_precision_loss, reason = "dates are small")]
                Some(at) if at <= (self.now + self.config.clock_skew_seconds) as f64 => Ok(()),
                _ => doubt("the id token is not valid yet; compare the clocks of both machines"),
            },
        }
    }

    fn required(&self, payload: &Map<String, Value>) -> Result<(), Doubt> {
        for (claim, accepted) in &self.config.required_claims {
            let values = payload.get(claim).map(texts).unwrap_or_default();
            if !values.iter().any(|value| accepted.has(value)) {
                return Err(Doubt::Other(Trouble::ClaimMissing(format!(
                    "this account lacks the claim `{claim}` that the broker requires, or has another value for it"
                ))));
            }
        }
        Ok(())
    }

    fn verified(
        &self,
        claims: &Claims,
        payload: &Map<String, Value>,
        answers: Answers<'_>,
    ) -> Result<Verified, Doubt> {
        let id = UserId {
            issuer: self.config.issuer.as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
        };
        if id.subject.is_empty() {
            return doubt("the id token names nobody");
        }
        if let Answers::Refresh(expected) = answers
            && *expected != id
        {
            return Err(Doubt::Other(Trouble::Ended(
                "the identity provider answered the renewal with another user".to_owned(),
            )));
        }
        let groups: BTreeSet<String> = payload
            .get(&self.config.groups_claim)
            .map(texts)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let name = ["name", "preferred_username", "email", "sub"]
            .into_iter()
            .find_map(|claim| payload.get(claim)?.as_str().filter(|name| !name.is_empty()));
        Ok(Verified {
            user: User {
                display: printable(name.unwrap_or_default(), DISPLAY),
                id,
                groups,
            },
            expires: u64::try_from(claims.expiration().timestamp()).unwrap_or_default(),
        })
    }
}

/// Section 3.1.3.6: the hash binds the access token to the ID token, where it is there.
fn access_token_hash(
    token: &Token,
    verifier: &CoreIdTokenVerifier<'_>,
    claims: &Claims,
    access: &str,
) -> Result<(), Doubt> {
    let Some(expected) = claims.access_token_hash() else {
        return Ok(());
    };
    let access = AccessToken::new(access.to_owned());
    let hash = token.signing_alg().and_then(|alg| {
        let key = token.signing_key(verifier)?;
        AccessTokenHash::from_token(&access, alg, key)
            .map_err(|error| SignatureVerificationError::Other(error.to_string()))
    });
    match hash {
        Ok(hash) if hash == *expected => Ok(()),
        _ => doubt("the id token belongs to another access token (`at_hash`)"),
    }
}

/// The claims that the library does not know, from the bytes whose signature it verified.
fn payload(text: &str) -> Result<Map<String, Value>, Doubt> {
    text.split('.')
        .nth(1)
        .and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .map_or_else(|| doubt("the id token cannot be read"), Ok)
}

/// The words in a claim: itself, or each of a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Array(all) => all
            .iter()
            .filter(|one| !one.is_array())
            .flat_map(texts)
            .collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn told(error: &ClaimsVerificationError) -> Doubt {
    use ClaimsVerificationError as E;
    let why = match error {
        E::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            return Doubt::UnknownKey;
        }
        E::SignatureVerification(
            SignatureVerificationError::NoSignature | SignatureVerificationError::DisallowedAlg(_),
        ) => "the id token is signed with an algorithm that is not accepted, or not at all"
            .to_owned(),
        E::SignatureVerification(error) => {
            format!("the signature of the id token is not good: {error}")
        }
        E::Expired(why) => {
            format!("the id token is not of this time: {why}; compare the clocks of both machines")
        }
        E::InvalidAudience(_) => {
            "the id token was made for another client; compare `client_id`".to_owned()
        }
        E::InvalidIssuer(why) => format!("the id token names another issuer: {why}"),
        E::InvalidNonce(why) => format!("the id token does not belong to this login: {why}"),
        error => format!("the id token was not accepted: {error}"),
    };
    Doubt::Other(Trouble::Unbelievable(why))
}

#[cfg(test)]
mod tests {
    use openidconnect::core::CoreJsonWebKeySet;
    use serde_json::json;

    use super::{Verifier, texts};
    use crate::config::{Issuer, ProviderConfig};

    #[test]
    fn a_token_of_tomorrow_is_not_for_today() {
        let issuer = Issuer::parse("https://id.example.test").unwrap();
        let config = ProviderConfig::new(issuer, "valetkey");
        let keys = CoreJsonWebKeySet::new(Vec::new());
        let verifier = Verifier {
            config: &config,
            keys: &keys,
            now: 1_000,
        };
        let good = |nbf: serde_json::Value| {
            let payload = json!({ "nbf": nbf });
            verifier.not_before(payload.as_object().unwrap()).is_ok()
        };
        assert!(good(json!(1_000)) && good(json!(1_060)) && good(json!(999.5)));
        assert!(!good(json!(1_061)) && !good(json!("1000")) && !good(json!(null)));
        assert!(verifier.not_before(&serde_json::Map::new()).is_ok());
    }

    #[test]
    fn words_are_taken_from_lists_one_level_deep() {
        assert_eq!(texts(&json!("a")), ["a"]);
        assert_eq!(
            texts(&json!(["a", 1, true, null, ["b"], { "c": 1 }])),
            ["a", "1", "true"]
        );
        assert_eq!(texts(&json!({ "a": 1 })), [] as [&str; 0]);
    }
}
