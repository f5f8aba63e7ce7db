//! A table of cases, as it is written.

use serde::Deserialize;
use valetkey_core::{Risk, SourceKind, Tier};

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) ask: Ask,
    #[serde(default)]
    pub(super) case: Vec<Case>,
}

/// Where every case begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    pub(super) issuer: String,
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    pub(super) agent: String,
    /// The profile of the sandbox; none where there is none.
    pub(super) profile: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    /// The origin that would be reached.
    pub(super) connect: Option<String>,
    /// The method and the URL of a request that would be sent.
    pub(super) request: Option<String>,
    /// In seconds.
    pub(super) lifetime: u64,
    /// Like `owner`, `source` and `injected` here and in a case: what the configuration says where nothing
    /// does.
    pub(super) labels: Option<Vec<String>>,
    /// Issuer, `#`, subject.
    pub(super) owner: Option<String>,
    pub(super) source: Option<SourceKind>,
    /// Whether a credential is put into requests to there.
    pub(super) injected: Option<bool>,
}

/// What differs, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) expect: Expected,
    /// The policies that must have decided.
    pub(super) by: Option<Vec<String>>,
    pub(super) session: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) user: Option<String>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) agent: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) connect: Option<String>,
    pub(super) request: Option<String>,
    pub(super) lifetime: Option<u64>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) owner: Option<String>,
    pub(super) source: Option<SourceKind>,
    pub(super) injected: Option<bool>,
    /// The subject of whoever would answer.
    pub(super) approver: Option<String>,
    pub(super) approver_issuer: Option<String>,
    pub(super) approver_groups: Option<Vec<String>>,
    /// The name of the reviewer that would answer.
    pub(super) reviewer: Option<String>,
    pub(super) risk: Option<Risk>,
}

/// What must come of a case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expected {
    Auto,
    Review,
    Human,
    Deny,
    May,
    #[serde(rename = "may not")]
    MayNot,
}

impl Expected {
    /// As it is written.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Auto => Tier::Auto.id(),
            Self::Review => Tier::Review.id(),
            Self::Human => Tier::Human.id(),
            Self::Deny => Tier::Deny.id(),
            Self::May => "may",
            Self::MayNot => "may not",
        }
    }

    pub(super) const fn of(tier: Tier) -> Self {
        match tier {
            Tier::Auto => Self::Auto,
            Tier::Review => Self::Review,
            Tier::Human => Self::Human,
            Tier::Deny => Self::Deny,
        }
    }

    /// Whether it is about somebody who would answer.
    pub(super) const fn of_approver(self) -> bool {
        matches!(self, Self::May | Self::MayNot)
    }
}
