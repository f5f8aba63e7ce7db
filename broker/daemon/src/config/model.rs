//! What a configuration comes to: plain data, for the wiring to read.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use url::Url;
use valetkey_core::{
    Credentials, Profiles, SecretName,
    approval::ApprovalRules,
    commands::Commands,
    network::{AddressClass, HostName, OriginPattern, class_of},
};
use valetkey_oidc::ProviderConfig;

use super::requirements::RequirementsInForce;

/// A configuration that holds together, under the admin's requirements.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) provider: ProviderConfig,
    pub(crate) keyring: Keyring,
    pub(crate) session: Session,
    pub(crate) tokens: Tokens,
    pub(crate) admin: Admin,
    pub(crate) policies: Policies,
    pub(crate) limits: Limits,
    pub(crate) network: Network,
    pub(crate) profiles: Profiles,
    pub(crate) commands: Commands,
    pub(crate) credentials: Credentials,
    pub(crate) approvals: ApprovalRules,
    /// Whether the desktop tells of questions.
    pub(crate) notify: bool,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) reviewer: Option<Reviewer>,
    /// Where the ledger is copied to while it grows.
    pub(crate) sinks: Vec<Sink>,
    /// The admin's requirements, where there are any.
    pub(crate) requirements: Option<RequirementsInForce>,
    /// What they would put in force, where they are only on trial.
    pub(crate) trial: Option<TrialConfig>,
}

impl Config {
    /// Hosts of `network.hosts` at addresses that the proxy refuses, each in a sentence.
    pub(crate) fn hosts_out_of_reach(&self) -> impl Iterator<Item = String> {
        let Network {
            hosts, addresses, ..
        } = &self.network;
        let named = |ip: &IpAddr| addresses.iter().any(|address| address.ip() == *ip);
        let refused = hosts
            .iter()
            .filter(move |(_, ip)| class_of(**ip) != AddressClass::Public && !named(ip));
        refused.map(|(host, ip)| {
            format!(
                "`network.hosts` puts {host} at {ip}, which is {}, and the proxy refuses that: `network.addresses` does not name it",
                class_of(*ip).id()
            )
        })
    }

    /// Why nobody can say yes to anything, where that is certain.
    pub(crate) fn nobody_answers(&self) -> Option<&'static str> {
        let alone = self.approvals.four_eyes && self.policies == Policies::Baseline;
        alone.then_some(
            "four eyes are asked for, and the shipped policies let nobody but the one who asks answer",
        )
    }
}

#[derive(Debug)]
pub(crate) struct Keyring {
    pub(crate) kernel: bool,
    pub(crate) deadline: Duration,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) lifetime: u64,
    pub(crate) max_lifetime: u64,
    pub(crate) max_live: usize,
}

/// How the broker's own tokens are published.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) listen: SocketAddr,
    pub(super) issuer: Option<String>,
    pub(crate) rotate_keys_after: u64,
}

impl Tokens {
    /// The `iss` of the broker's own tokens, once the port is known.
    pub(crate) fn issuer_for(&self, port: u16) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("http://{}", SocketAddr::new(self.listen.ip(), port)))
    }
}

#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) groups: BTreeSet<String>,
    pub(crate) auditor_groups: BTreeSet<String>,
    pub(crate) confirmed_within: u64,
}

/// Which policies are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Policies {
    /// Those that are compiled in.
    Baseline,
    /// The `*.cedar` files of a folder.
    Folder(PathBuf),
    /// Names and texts of files that came with the admin's requirements, by name.
    Texts(Vec<(String, String)>),
}

#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) requests_per_second: u32,
    pub(crate) burst: u32,
    pub(crate) ledger_deadline: Duration,
}

/// What the proxy knows of the network beside what the policies say.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// What may be reached though it is private.
    pub(crate) addresses: BTreeSet<SocketAddr>,
    /// Where hosts are, in place of the resolver's word.
    pub(crate) hosts: BTreeMap<HostName, IpAddr>,
    /// Hosts that are looked into.
    pub(crate) inspect: Vec<OriginPattern>,
    /// A file of PEM certificates that is trusted beside the system's.
    pub(crate) extra_ca: Option<PathBuf>,
    /// How long a connection or a request waits for its approval.
    pub(crate) wait: Duration,
}

/// Where questions are carried to by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) url: Url,
    /// The stored secret that questions and answers are signed with.
    pub(crate) secret: SecretName,
    /// The bound of one delivery, answer included.
    pub(crate) deadline: Duration,
    /// Whether an answer may come back this way.
    pub(crate) may_answer: bool,
}

/// The automatic reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reviewer {
    /// What policies call it.
    pub(crate) name: String,
    /// The bound of one opinion.
    pub(crate) deadline: Duration,
    pub(crate) kind: ReviewerKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReviewerKind {
    /// A program of this machine.
    Command {
        /// Its absolute path.
        program: PathBuf,
        arguments: Vec<String>,
    },
    /// An HTTP endpoint of the OpenAI kind.
    Chat {
        /// The base of its API, such as `https://models.example.com/v1`.
        url: Url,
        model: String,
        /// The stored secret that is its bearer token.
        key: Option<SecretName>,
        /// A file of PEM certificates that is trusted beside the system's.
        extra_ca: Option<PathBuf>,
    },
}

/// One copy of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// A file of JSON lines.
    File(PathBuf),
}

/// What requirements on trial would put in force.
#[derive(Debug)]
pub(crate) struct TrialConfig {
    pub(crate) policies: Policies,
    pub(crate) credentials: Credentials,
}
