//! What is published: authorization server metadata and the key set.

use std::{collections::BTreeSet, io};

use hyper::body::Bytes;
use serde::Serialize;
use valetkey_core::{Algorithm, Credentials, ports::PublicKey};

/// RFC 8414 section 3.
pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";
/// RFC 7517 section 5.
pub(super) const KEYS: &str = "/jwks.json";
/// Answers while the broker runs.
pub(super) const HEALTH: &str = "/healthz";

/// RFC 8414 section 2. There is no `token_endpoint`: tokens are asked for on a session's own Unix
/// socket, which no URL names.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    jwks_uri: String,
    scopes_supported: BTreeSet<&'a str>,
    response_types_supported: [&'a str; 0],
    grant_types_supported: [&'a str; 1],
    token_endpoint_auth_methods_supported: [&'a str; 1],
    access_token_signing_alg_values_supported: BTreeSet<&'a str>,
}

/// The metadata of `issuer`; the same for as long as the broker runs.
pub(super) fn metadata(issuer: &str, credentials: &Credentials) -> io::Result<Bytes> {
    let metadata = Metadata {
        issuer,
        jwks_uri: format!("{}{KEYS}", issuer.trim_end_matches('/')),
        scopes_supported: credentials.iter().flat_map(|c| c.scopes.iter()).collect(),
        response_types_supported: [],
        grant_types_supported: ["urn:ietf:params:oauth:grant-type:token-exchange"],
        token_endpoint_auth_methods_supported: ["none"],
        access_token_signing_alg_values_supported: credentials
            .iter()
            .map(|c| c.algorithm.id())
            .collect(),
    };
    Ok(Bytes::from(serde_json::to_vec(&metadata)?))
}

#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<Key<'a>>,
}

/// RFC 7517 section 4, with RFC 8037 section 2 for Ed25519 and RFC 7518 section 6.2 for P-256.
#[derive(Serialize)]
struct Key<'a> {
    kty: &'a str,
    crv: &'a str,
    x: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'a str>,
    #[serde(rename = "use")]
    purpose: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// The key set.
pub(super) fn keys(public: &[PublicKey]) -> serde_json::Result<Bytes> {
    let keys = public.iter().map(|key| {
        let (kty, crv) = match key.algorithm {
            Algorithm::EdDSA => ("OKP", "Ed25519"),
            Algorithm::ES256 => ("EC", "P-256"),
        };
        Key {
            kty,
            crv,
            x: &key.x,
            y: key.y.as_deref(),
            purpose: "sig",
            alg: key.algorithm.id(),
            kid: &key.kid,
        }
    });
    let set = KeySet {
        keys: keys.collect(),
    };
    serde_json::to_vec(&set).map(Bytes::from)
}
