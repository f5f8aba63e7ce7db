//! The claims of a token (RFC 9068 section 2.2).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use valetkey_core::UserId;

/// What a token says.
///
/// `sub` is the user's `sub` at the identity provider, because that is the name that the company's
/// resource servers know. RFC 9068 wants it unique within `iss`, and `iss` is the broker: where a
/// broker has accounts at several providers, `sub_id` tells apart who of them is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims<'a> {
    /// The broker.
    pub iss: Cow<'a, str>,
    /// The user, as the identity provider names them.
    pub sub: Cow<'a, str>,
    /// The user, with the provider that names them so.
    pub sub_id: SubjectId<'a>,
    /// Who acts for the user.
    pub act: Actor<'a>,
    /// The agent's name.
    pub client_id: Cow<'a, str>,
    /// The resource server.
    pub aud: Cow<'a, str>,
    /// Space-separated scopes (RFC 6749 section 3.3); left out where there are none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub scope: Cow<'a, str>,
    /// The session.
    pub sid: Cow<'a, str>,
    /// The lease.
    pub jti: Cow<'a, str>,
    /// When it was issued: seconds since the Unix epoch.
    pub iat: u64,
    /// When it ends: seconds since the Unix epoch.
    pub exp: u64,
}

/// The actor of RFC 8693 section 4.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor<'a> {
    /// `session:` and the id of the session, so that no user can be called the same.
    pub sub: Cow<'a, str>,
}

/// A subject identifier of RFC 9493 section 3.2.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename = "iss_sub")]
pub struct SubjectId<'a> {
    /// The identity provider.
    pub iss: Cow<'a, str>,
    /// The user.
    pub sub: Cow<'a, str>,
}

impl<'a> SubjectId<'a> {
    pub(crate) fn of(user: &'a UserId) -> Self {
        Self {
            iss: Cow::Borrowed(&user.issuer),
            sub: Cow::Borrowed(&user.subject),
        }
    }
}
