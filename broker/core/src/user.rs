//! The human that a login belongs to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A user is known by issuer and subject, never by a name or an address (OpenID Connect Core 1.0
/// section 5.7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserId {
    /// `iss` of the ID token.
    pub issuer: String,
    /// `sub` of the ID token.
    pub subject: String,
}

/// What the last verified ID token said of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// A name to show, cleaned for a terminal. Carries no authority.
    pub display: String,
    /// The groups that policies speak of.
    pub groups: BTreeSet<String>,
}

impl User {
    /// Whether the user is in one of `groups`.
    pub fn in_any(&self, groups: &BTreeSet<String>) -> bool {
        !self.groups.is_disjoint(groups)
    }
}
