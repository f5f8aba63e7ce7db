//! Credentials: named places where authority comes from, with their ceilings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Audience, CredentialName, ScopeSet, Tier, UserId};

/// Longest lifetime of any token, in seconds: one hour.
pub const LIFETIME_CEILING: u64 = 3600;
/// Lifetime of a token when the request names none, in seconds: ten minutes.
pub const LIFETIME_DEFAULT: u64 = 600;

/// How a credential's short-lived tokens are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// JWT access tokens that the broker signs itself (RFC 9068).
    Signed,
}

/// Signature algorithm of a token that the broker signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    #[default]
    EdDSA,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    ES256,
}

impl Algorithm {
    /// The `alg` of RFC 7515 section 4.1.1.
    pub const fn id(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
        }
    }
}

/// An entry of the configuration's `credentials` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: CredentialName,
    /// Where its tokens come from.
    pub source: SourceKind,
    /// Every scope that exists.
    pub scopes: ScopeSet,
    /// Every audience that exists; the first is meant when a request names none.
    pub audiences: Audiences,
    /// Longest lifetime of a token, in seconds; at most [`LIFETIME_CEILING`].
    pub max_lifetime: u64,
    /// How its tokens are signed.
    pub algorithm: Algorithm,
    /// The only user whose sessions may have it, where it belongs to one.
    pub owner: Option<UserId>,
    /// What policies call it by beside its name, such as `production`.
    pub labels: BTreeSet<String>,
    /// The least friction that it is given with, whatever the policies say.
    pub min_tier: Tier,
}

/// At least one audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audiences {
    /// The one that is meant when a request names none.
    pub first: Audience,
    /// The others.
    pub others: Vec<Audience>,
}

impl Audiences {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Audience> {
        std::iter::once(&self.first).chain(&self.others)
    }
}
