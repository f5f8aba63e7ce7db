//! The sections about sandboxes, their network and their commands, as they are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::PathBuf,
};

use serde::Deserialize;
use valetkey_core::{
    ProfileName,
    network::{Endpoint, HostName, OriginPattern},
};

use crate::config::span::Span;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Network {
    /// Addresses and ports of this machine and of private networks that agents may reach all the same.
    pub(in crate::config) addresses: BTreeSet<Endpoint>,
    /// Where hosts are, in place of what the resolver says.
    pub(in crate::config) hosts: BTreeMap<HostName, IpAddr>,
    /// Hosts whose TLS is looked into though nothing else asks for it.
    pub(in crate::config) inspect: Vec<OriginPattern>,
    /// A file of PEM certificates that is trusted beside the system's.
    pub(in crate::config) extra_ca: Option<PathBuf>,
    /// How long a connection or a request waits for its approval.
    pub(in crate::config) wait: Span,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            addresses: BTreeSet::new(),
            hosts: BTreeMap::new(),
            inspect: Vec::new(),
            extra_ca: None,
            wait: Span(30),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Sandbox {
    /// The profile that is meant where none is named.
    pub(in crate::config) profile: Option<ProfileName>,
    /// Profiles beside the shipped ones, or in place of them.
    pub(in crate::config) profiles: BTreeMap<ProfileName, Profile>,
    /// Only these may be used; only requirements say so.
    #[serde(skip)]
    pub(in crate::config) allowed: Option<BTreeSet<ProfileName>>,
    /// There would be these, but for the requirements.
    #[serde(skip)]
    pub(in crate::config) forbidden: BTreeSet<ProfileName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Profile {
    pub(in crate::config) workspace: Workspace,
    #[serde(default)]
    pub(in crate::config) protected: Vec<String>,
    #[serde(default)]
    pub(in crate::config) readable: Vec<PathBuf>,
    #[serde(default)]
    pub(in crate::config) writable: Vec<PathBuf>,
    #[serde(default)]
    pub(in crate::config) environment: Vec<String>,
    #[serde(default = "yes")]
    pub(in crate::config) network: bool,
    /// Only methods that are safe; with a read-only workspace that is so where nothing is said.
    pub(in crate::config) only_reads: Option<bool>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Workspace {
    ReadOnly,
    Writable,
    Open,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Commands {
    /// A file of rules: which commands are given which credential.
    pub(in crate::config) file: Option<PathBuf>,
    /// Its text: only the admin's requirements put it here.
    #[serde(skip)]
    pub(in crate::config) text: Option<String>,
}

/// Into which requests a credential is put, and where. Exactly one place is named.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Way {
    pub(in crate::config) hosts: Vec<OriginPattern>,
    pub(in crate::config) methods: Vec<String>,
    pub(in crate::config) paths: Vec<String>,
    pub(in crate::config) scope: Option<String>,
    /// Only where the agent sends the placeholder.
    pub(in crate::config) on_placeholder: bool,
    pub(in crate::config) header: Option<String>,
    /// What stands before the value in the header.
    pub(in crate::config) prefix: Option<String>,
    /// The user name of Basic authentication.
    pub(in crate::config) basic: Option<String>,
    pub(in crate::config) query: Option<String>,
    pub(in crate::config) cookie: Option<String>,
    pub(in crate::config) path_segment: bool,
    /// A JSON pointer.
    pub(in crate::config) body: Option<String>,
    /// A JSON pointer.
    pub(in crate::config) websocket: Option<String>,
    /// The id of an AWS access key.
    pub(in crate::config) sigv4: Option<String>,
}
