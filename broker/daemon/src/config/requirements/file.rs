//! What requirements may say. Whatever is absent binds nothing. `docs/operations.md` describes each
//! key, and the tests attack each.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::PathBuf,
};

use serde::Deserialize;
use valetkey_bundle::Expires;
use valetkey_core::{
    Audience, CredentialName, ProfileName, ScopeSet, Tier,
    network::{Endpoint, HostName, OriginPattern},
    text::printable,
};
use valetkey_oidc::Accepted;

use crate::config::{
    file::{Profile, StoreName},
    span::Span,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Requirements {
    pub(super) mode: Mode,
    pub(super) version: Option<u64>,
    pub(super) expires: Option<Expires>,
    pub(super) provider: Provider,
    pub(super) keyring: Keyring,
    pub(super) session: Session,
    pub(super) tokens: Tokens,
    pub(super) admin: Admin,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) approvals: Approvals,
    pub(super) reviewer: Reviewer,
    pub(super) ledger: Ledger,
    pub(super) network: Network,
    pub(super) sandbox: Sandbox,
    pub(super) commands: Commands,
    pub(super) credentials: BTreeMap<Whose, Credential>,
}

impl Requirements {
    /// Whether a user need not name one.
    pub(in crate::config) const fn name_a_provider(&self) -> bool {
        self.provider.issuer.is_some() && self.provider.client_id.is_some()
    }
}

/// Whether requirements bind, or only tell what they would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Mode {
    #[default]
    Enforce,
    AuditOnly,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Provider {
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    /// Added to the user's; the same claim is replaced.
    pub(super) required_claims: BTreeMap<String, Accepted>,
    /// Where absent, `groups`: whoever chooses the claim chooses the groups.
    pub(super) groups_claim: Option<String>,
    /// At most.
    pub(super) grace: Option<Span>,
    /// The only one that may be trusted; where absent, none.
    pub(super) extra_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keyring {
    /// With any other the broker does not start.
    pub(super) allowed: Option<BTreeSet<StoreName>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Session {
    /// At most.
    pub(super) max_lifetime: Option<Span>,
    /// At most.
    pub(super) max_live: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tokens {
    /// At most.
    pub(super) rotate_keys_after: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Admin {
    pub(super) groups: Option<BTreeSet<String>>,
    pub(super) auditor_groups: Option<BTreeSet<String>>,
    /// At most.
    pub(super) confirmed_within: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Policy {
    pub(super) folder: Option<PathBuf>,
    /// Name to text, in place of a folder.
    pub(super) files: Option<BTreeMap<String, String>>,
}

/// Each at most.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) requests_per_second: Option<u32>,
    pub(super) burst: Option<u32>,
    pub(super) ledger_deadline: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Approvals {
    /// At most, as the next three.
    pub(super) expire_after: Option<Span>,
    pub(super) once_within: Option<Span>,
    pub(super) remember_max: Option<Span>,
    pub(super) remember_idle: Option<Span>,
    /// At least.
    pub(super) refusal_holds: Option<Span>,
    /// At most.
    pub(super) max_open: Option<usize>,
    /// At least: in a shorter window fewer questions count.
    pub(super) window: Option<Span>,
    /// At most.
    pub(super) slow_after: Option<usize>,
    /// At least.
    pub(super) slow_gap: Option<Span>,
    /// At most.
    pub(super) suspend_after: Option<usize>,
    pub(super) approver_groups: Option<BTreeSet<String>>,
    /// The user cannot switch it off.
    pub(super) four_eyes: Option<bool>,
    pub(super) webhook: Webhook,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Webhook {
    /// URLs; any other is dropped.
    pub(super) allowed: Option<BTreeSet<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reviewer {
    /// Whole commands, or `url#model`; any other is dropped. Where absent, every one: whoever chooses
    /// the reviewer is asked in the place of a person.
    pub(super) allowed: BTreeSet<String>,
    /// At most, and not 0.
    pub(super) denials: Option<usize>,
    /// The only one that may be trusted; where absent, none.
    pub(super) extra_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ledger {
    /// Added to the user's.
    pub(super) sinks: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Network {
    /// At most these.
    pub(super) addresses: Option<BTreeSet<Endpoint>>,
    /// In place of the user's. Where absent, none: whoever says where a host is can be that host.
    pub(super) hosts: BTreeMap<HostName, IpAddr>,
    /// Added to the user's.
    pub(super) inspect: Vec<OriginPattern>,
    /// The only one that may be trusted; where absent, none.
    pub(super) extra_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sandbox {
    /// Only these. The user's own profiles are then no longer there: whoever writes a profile can give it
    /// any name.
    pub(super) allowed: Option<BTreeSet<ProfileName>>,
    /// In place of the user's, where there are any.
    pub(super) profiles: BTreeMap<ProfileName, Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Commands {
    /// In place of the user's.
    pub(super) file: Option<PathBuf>,
    /// The rules themselves, in place of a file.
    pub(super) rules: Option<String>,
}

/// Which credentials an entry is for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Whose {
    /// `*`
    All,
    One(CredentialName),
}

impl TryFrom<String> for Whose {
    type Error = String;

    /// What is no name could be no credential's, and would bind nothing.
    fn try_from(key: String) -> Result<Self, String> {
        if key == "*" {
            return Ok(Self::All);
        }
        CredentialName::parse(&key).map(Self::One).map_err(|error| {
            format!(
                "`credentials.{}` is for no credential: {error}; for all of them write `*`",
                printable(&key, 64)
            )
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Credential {
    /// At least.
    pub(super) min_tier: Option<Tier>,
    /// At most.
    pub(super) max_lifetime: Option<Span>,
    /// At most these.
    pub(super) scopes: Option<ScopeSet>,
    /// At most these.
    pub(super) audiences: Option<BTreeSet<Audience>>,
    /// Added to the user's.
    pub(super) labels: BTreeSet<String>,
    pub(super) owner: Option<String>,
}
