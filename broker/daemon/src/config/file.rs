//! The configuration file as it is written. Every key, its unit and its default is described in
//! `docs/operations.md`.

mod approvals;
mod network;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
};

use serde::Deserialize;
use valetkey_core::{Algorithm, Audience, CredentialName, ScopeSet, SecretName, SourceKind, Tier};
use valetkey_oidc::Accepted;

use super::span::Span;

pub(super) use approvals::{Approvals, Reviewer, Webhook};
pub(super) use network::{Commands, Network, Profile, Sandbox, Way, Workspace};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) provider: Provider,
    pub(super) keyring: Keyring,
    pub(super) session: Session,
    pub(super) tokens: Tokens,
    pub(super) admin: Admin,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) approvals: Approvals,
    pub(super) reviewer: Option<Reviewer>,
    pub(super) ledger: Ledger,
    pub(super) network: Network,
    pub(super) sandbox: Sandbox,
    pub(super) commands: Commands,
    pub(super) credentials: BTreeMap<CredentialName, Credential>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Provider {
    /// Must be here or in the admin's requirements, as the client id.
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    /// Name of the stored secret that holds the client secret, for confidential clients.
    pub(super) client_secret: Option<SecretName>,
    pub(super) scopes: Option<Vec<String>>,
    /// Port of the loopback redirect; any free one where absent.
    pub(super) redirect_port: Option<u16>,
    pub(super) groups_claim: String,
    pub(super) required_claims: BTreeMap<String, Accepted>,
    pub(super) grace: Span,
    pub(super) request_timeout: Span,
    pub(super) login_timeout: Span,
    pub(super) clock_skew: Span,
    /// A file of PEM certificates that is trusted beside the system's.
    pub(super) extra_ca: Option<PathBuf>,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret: None,
            scopes: None,
            redirect_port: None,
            groups_claim: "groups".to_owned(),
            required_claims: BTreeMap::new(),
            grace: Span(4 * 3600),
            request_timeout: Span(10),
            login_timeout: Span(300),
            clock_skew: Span(60),
            extra_ca: None,
        }
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreName {
    #[default]
    SecretService,
    Kernel,
}

impl StoreName {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::SecretService => "secret-service",
            Self::Kernel => "kernel",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Policy {
    /// A folder of `*.cedar` files; the shipped baseline where absent.
    pub(super) folder: Option<PathBuf>,
    /// Name to text: only the admin's requirements put files here.
    #[serde(skip)]
    pub(super) files: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ledger {
    /// Where the ledger is copied to while it grows: `file:/absolute/path`.
    pub(super) sinks: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) source: SourceKind,
    #[serde(default)]
    pub(super) scopes: ScopeSet,
    #[serde(default)]
    pub(super) audiences: Vec<Audience>,
    #[serde(default = "default_token_lifetime")]
    pub(super) max_lifetime: Span,
    #[serde(default)]
    pub(super) algorithm: Algorithm,
    /// The only user whose sessions may have it: the `sub` at `provider.issuer`.
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) labels: BTreeSet<String>,
    #[serde(default)]
    pub(super) min_tier: Tier,
    /// Under which name the keyring has a static one; the credential's own where absent.
    pub(super) secret: Option<SecretName>,
    /// Into which requests the proxy puts it. Whoever has a way is never given to an agent.
    #[serde(default)]
    pub(super) inject: Vec<Way>,
    /// The variable of the sandbox that holds its placeholder.
    pub(super) variable: Option<String>,
    /// What the placeholder begins with.
    #[serde(default)]
    pub(super) placeholder_prefix: String,
    /// The variable of the sandbox that holds an address for clients that ignore proxies.
    pub(super) base_url_variable: Option<String>,
}

const fn default_token_lifetime() -> Span {
    Span(900)
}
