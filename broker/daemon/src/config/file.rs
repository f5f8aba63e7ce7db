//! The configuration file as it is written. Every key, its unit and its default is described in
//! `docs/operations.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
};

use serde::Deserialize;
use valetkey_core::{Algorithm, Audience, CredentialName, ScopeSet, SecretName, SourceKind};
use valetkey_oidc::Accepted;

use super::span::Span;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) provider: Provider,
    #[serde(default)]
    pub(super) keyring: Keyring,
    #[serde(default)]
    pub(super) session: Session,
    #[serde(default)]
    pub(super) tokens: Tokens,
    #[serde(default)]
    pub(super) admin: Admin,
    #[serde(default)]
    pub(super) policy: Policy,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) credentials: BTreeMap<CredentialName, Credential>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) client_id: String,
    /// Name of the stored secret that holds the client secret, for confidential clients.
    pub(super) client_secret: Option<SecretName>,
    pub(super) scopes: Option<Vec<String>>,
    /// Port of the loopback redirect; any free one where absent.
    pub(super) redirect_port: Option<u16>,
    #[serde(default = "default_groups_claim")]
    pub(super) groups_claim: String,
    #[serde(default)]
    pub(super) required_claims: BTreeMap<String, Accepted>,
    #[serde(default = "default_grace")]
    pub(super) grace: Span,
    #[serde(default = "default_request_timeout")]
    pub(super) request_timeout: Span,
    #[serde(default = "default_login_timeout")]
    pub(super) login_timeout: Span,
    #[serde(default = "default_clock_skew")]
    pub(super) clock_skew: Span,
    /// A file of PEM certificates that is trusted beside the system's.
    pub(super) extra_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreName {
    #[default]
    SecretService,
    Kernel,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keyring {
    pub(super) store: StoreName,
    pub(super) deadline: Span,
}

impl Default for Keyring {
    fn default() -> Self {
        Self {
            store: StoreName::default(),
            deadline: Span(10),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Session {
    pub(super) lifetime: Span,
    pub(super) max_lifetime: Span,
    pub(super) max_live: usize,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            lifetime: Span(8 * 3600),
            max_lifetime: Span(24 * 3600),
            max_live: 2000,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tokens {
    /// Where the metadata and the keys are served; loopback only.
    pub(super) listen: SocketAddr,
    /// The `iss` of the broker's own tokens; `http://` and `listen` where absent.
    pub(super) issuer: Option<String>,
    pub(super) rotate_keys_after: Span,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8425)),
            issuer: None,
            rotate_keys_after: Span(30 * 86400),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Admin {
    pub(super) groups: BTreeSet<String>,
    pub(super) auditor_groups: BTreeSet<String>,
    pub(super) confirmed_within: Span,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            groups: BTreeSet::new(),
            auditor_groups: BTreeSet::new(),
            confirmed_within: Span(300),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Policy {
    /// A folder of `*.cedar` files; the shipped baseline where absent.
    pub(super) folder: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Requests a second that one session may make on average.
    pub(super) requests_per_second: u32,
    /// Requests that one session may make at once before the average counts.
    pub(super) burst: u32,
    pub(super) ledger_deadline: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A client keeps its tokens. Each answer and each refusal is a durable record, so this is
            // also what bounds how fast one agent can fill the disk: about 2 GB a day at the worst.
            requests_per_second: 10,
            burst: 500,
            ledger_deadline: Span(2),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) source: SourceKind,
    pub(super) scopes: ScopeSet,
    pub(super) audiences: Vec<Audience>,
    #[serde(default = "default_token_lifetime")]
    pub(super) max_lifetime: Span,
    #[serde(default)]
    pub(super) algorithm: Algorithm,
}

fn default_groups_claim() -> String {
    "groups".to_owned()
}

const fn default_grace() -> Span {
    Span(4 * 3600)
}

const fn default_request_timeout() -> Span {
    Span(10)
}

const fn default_login_timeout() -> Span {
    Span(300)
}

const fn default_clock_skew() -> Span {
    Span(60)
}

const fn default_token_lifetime() -> Span {
    Span(900)
}
