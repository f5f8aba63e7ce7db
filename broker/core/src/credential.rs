//! Credentials: named places where authority comes from, with their ceilings.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Audience, CredentialName, Injection, READ, ScopeSet, SecretName, Tier, UserId, WRITE,
    network::{Origin, Target},
};

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
    /// A secret as it stands in the keyring, which no agent is ever given.
    Static,
    /// No token at all, but leave to use the network. There is one such credential, and no configuration
    /// names it.
    #[serde(skip)]
    Network,
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
    /// How it reaches whatever it is for.
    pub delivery: Delivery,
}

/// How what was granted reaches whatever it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// The agent is given it and sends it.
    #[default]
    Token,
    /// The proxy puts it into the agent's requests, outside the sandbox.
    Inject(Inject),
    /// There is nothing to deliver: the proxy lets something pass.
    Pass,
}

/// How a credential is put into requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inject {
    /// Into which requests and where, the first that fits.
    pub ways: Vec<Arc<Injection>>,
    /// Under which name the keyring has it, where the source is [`SourceKind::Static`].
    pub secret: SecretName,
    /// The environment variable of the sandbox that holds its placeholder.
    pub variable: Option<String>,
    /// What the placeholder begins with: some clients look at that before they send it.
    pub prefix: String,
    /// The environment variable of the sandbox that holds the address under which clients that ignore
    /// proxies reach the first host.
    pub base_url: Option<String>,
}

impl Inject {
    /// Where requests go that name the credential and no host: the first host that is one.
    pub fn base(&self) -> Option<Origin> {
        let hosts = self.ways.iter().flat_map(|way| &way.hosts);
        hosts.filter_map(|host| host.origin()).next()
    }

    /// Every scope that a use of it can be asked for as.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.ways.iter().flat_map(|way| match &way.scope {
            Some(scope) => [Some(scope.as_str()), None].into_iter().flatten(),
            None => [Some(READ), Some(WRITE)].into_iter().flatten(),
        })
    }
}

impl Credential {
    /// The name of the one credential that stands for the network.
    pub const NETWORK: &str = "network";

    /// Whether it is for `audience`.
    pub fn is_for(&self, audience: &Audience) -> bool {
        match &self.delivery {
            Delivery::Token => self.audiences.iter().any(|known| known == audience),
            Delivery::Inject(inject) => {
                Origin::split(audience.as_str()).is_ok_and(|(origin, path)| {
                    path.is_empty() && inject.ways.iter().any(|way| way.reaches(&origin))
                })
            }
            Delivery::Pass => Origin::split(audience.as_str()).is_ok(),
        }
    }

    /// Whether it has all of these scopes, for that audience.
    pub fn has(&self, scopes: &ScopeSet, audience: &Audience) -> bool {
        match self.delivery {
            Delivery::Token | Delivery::Inject(_) => scopes.within(&self.scopes),
            Delivery::Pass => {
                let mut each = scopes.iter();
                each.next()
                    .is_some_and(|scope| Target::read(scope, audience).is_some())
                    && each.next().is_none()
            }
        }
    }
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
