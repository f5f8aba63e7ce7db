//! What the provider can be made to do wrong. One fault is one lie; everything else stays true, so a
//! client that refuses has found exactly that lie.

use serde::{Deserialize, Serialize};

/// One way to misbehave. In JSON and on the command line: `wrong-nonce`, `alg-none`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Discovery names another issuer than the one it was fetched from.
    WrongDiscoveryIssuer,
    /// Discovery answers 503.
    DiscoveryUnavailable,
    /// Discovery accepts the request and never answers.
    DiscoveryHangs,
    /// The key set answers 503.
    JwksUnavailable,

    /// The user says no: `error=access_denied`.
    Deny,
    /// The authorization response carries another issuer's `iss` (RFC 9207).
    WrongResponseIssuer,
    /// The authorization response lacks the `iss` that discovery promises.
    NoResponseIssuer,
    /// The authorization response echoes another `state`.
    WrongState,

    /// The ID token's `iss` is another issuer.
    WrongIssuer,
    /// The ID token answers another request's nonce.
    WrongNonce,
    /// The ID token has no nonce.
    NoNonce,
    /// The ID token is for another client.
    WrongAudience,
    /// The ID token is for nobody: `aud` is an empty list, which canaille really does for a client that
    /// was made on its command line.
    NoAudience,
    /// The ID token has a second audience and no `azp`.
    ExtraAudience,
    /// `azp` is another client.
    WrongAzp,
    /// `at_hash` belongs to another access token.
    WrongAtHash,
    /// A refresh answers with an ID token about another user.
    WrongSubjectOnRefresh,
    /// The ID token expired an hour ago.
    Expired,
    /// The ID token was issued an hour from now.
    IssuedInFuture,
    /// The ID token says `"alg":"none"` and has an empty signature.
    AlgNone,
    /// The ID token is signed with HS256, the client id being the key.
    AlgHs256,
    /// The ID token names a `kid` that the key set does not have.
    UnknownKid,
    /// The ID token names the right key and is signed with another.
    WrongKey,
    /// The ID token lists no groups: everybody has left theirs.
    NoGroups,
    /// There is no ID token where one is due.
    NoIdToken,

    /// No refresh token comes back. On a refresh this is allowed, and the old one stays good.
    NoRefreshToken,
    /// A refresh answers without an ID token, which is allowed.
    NoIdTokenOnRefresh,
    /// The token endpoint answers 500.
    TokenServerError,
    /// The token endpoint answers `invalid_grant`, whatever is asked.
    TokenInvalidGrant,
    /// The token endpoint accepts the request and never answers.
    TokenHangs,
    /// The token endpoint answers 200 and bytes that are not JSON.
    TokenGarbage,
    /// The token endpoint's answer is right, and 10 MiB long.
    TokenHuge,

    /// The revocation endpoint answers 503.
    RevocationUnavailable,
}
