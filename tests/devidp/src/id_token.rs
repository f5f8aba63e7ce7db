//! The ID token: OpenID Connect Core section 2, and every lie about it.

use ring::error::Unspecified;
use serde_json::{Value, json};

use crate::books::Grant;
use crate::config::Config;
use crate::fault::Fault;
use crate::keys::{self, Key};
use crate::provider::State;

/// What an ID token says.
pub(crate) struct About<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) config: &'a Config,
    pub(crate) grant: &'a Grant,
    pub(crate) access_token: &'a str,
    pub(crate) now: u64,
    /// A refresh repeats neither nonce (OpenID Connect Core section 12.2) nor, under a fault, the truth.
    pub(crate) refreshed: bool,
}

pub(crate) fn issue(state: &State, about: &About<'_>) -> Result<String, Unspecified> {
    let lie = |fault| state.faults.contains(&fault);
    let key = state.keys.current();
    let claims = claims(state, about);
    if lie(Fault::AlgNone) {
        return Ok(keys::unsigned(&claims));
    }
    if lie(Fault::AlgHs256) {
        return Ok(keys::hs256(&about.grant.client, &claims));
    }
    if lie(Fault::UnknownKid) {
        return key.sign("a-key-nobody-has", &claims);
    }
    if lie(Fault::WrongKey) {
        return Key::generate(key.alg())?.sign(key.kid(), &claims);
    }
    key.sign(key.kid(), &claims)
}

fn claims(state: &State, about: &About<'_>) -> Value {
    const HOUR: i64 = 3600;
    let lie = |fault| state.faults.contains(&fault);
    let grant = about.grant;
    let lifetime = i64::try_from(state.id_token_lifetime).unwrap_or(i64::MAX);
    let shift = match () {
        () if lie(Fault::Expired) => -lifetime - HOUR,
        () if lie(Fault::IssuedInFuture) => HOUR,
        () => 0,
    };
    let issued = i64::try_from(about.now)
        .unwrap_or(i64::MAX)
        .saturating_add(state.clock_skew)
        .saturating_add(shift);

    let mut claims = json!({
        "iss": about.issuer,
        "sub": grant.user,
        "aud": grant.client,
        "azp": grant.client,
        "iat": issued,
        "exp": issued.saturating_add(lifetime),
        "auth_time": grant.auth_time,
        "at_hash": state.keys.current().half_hash(about.access_token),
    });
    let Some(map) = claims.as_object_mut() else {
        return claims;
    };
    map.extend(
        about
            .config
            .claims
            .iter()
            .map(|(name, value)| (name.clone(), json!(value))),
    );
    map.extend(personal(about.config, grant));
    if let Some(nonce) = grant.nonce.as_ref().filter(|_| !about.refreshed) {
        map.insert("nonce".to_owned(), json!(nonce));
    }

    let mut replace = |fault, name: &str, value: Value| {
        if lie(fault) {
            map.insert(name.to_owned(), value);
        }
    };
    replace(Fault::WrongIssuer, "iss", json!("http://127.0.0.1:1"));
    replace(
        Fault::WrongNonce,
        "nonce",
        json!("the-nonce-of-another-request"),
    );
    replace(Fault::WrongAudience, "aud", json!("another-client"));
    replace(Fault::NoAudience, "aud", json!([]));
    replace(
        Fault::ExtraAudience,
        "aud",
        json!([grant.client, "another-client"]),
    );
    replace(Fault::NoGroups, "groups", json!([]));
    replace(Fault::WrongAzp, "azp", json!("another-client"));
    replace(
        Fault::WrongAtHash,
        "at_hash",
        json!(state.keys.current().half_hash("another access token")),
    );
    if about.refreshed {
        replace(Fault::WrongSubjectOnRefresh, "sub", json!("mallory"));
    }
    if lie(Fault::WrongAudience) || lie(Fault::NoAudience) || lie(Fault::ExtraAudience) {
        map.remove("azp");
    }
    if lie(Fault::NoNonce) {
        map.remove("nonce");
    }
    claims
}

/// The claims about a person that the grant's scope lets out, for ID token and userinfo alike.
pub(crate) fn personal(config: &Config, grant: &Grant) -> serde_json::Map<String, Value> {
    let mut claims = serde_json::Map::new();
    if grant.scope.has("profile") {
        claims.insert("preferred_username".to_owned(), json!(grant.user));
    }
    if grant.scope.has("email") {
        claims.insert(
            "email".to_owned(),
            json!(format!("{}@example.test", grant.user)),
        );
        claims.insert("email_verified".to_owned(), json!(true));
    }
    if grant.scope.has("groups")
        && let Some(user) = config.users.iter().find(|user| user.name == grant.user)
    {
        claims.insert("groups".to_owned(), json!(user.groups));
    }
    claims
}
