//! What the configuration settles for the core.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{Credential, CredentialName, Profiles, approval::ApprovalRules, commands::Commands};

/// The credentials that exist.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<CredentialName, Arc<Credential>>);

impl Credentials {
    /// The credential with this name.
    pub fn find(&self, name: &str) -> Option<Arc<Credential>> {
        let name = CredentialName::parse(name).ok()?;
        self.0.get(&name).cloned()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.0.values()
    }
}

impl FromIterator<Credential> for Credentials {
    fn from_iter<I: IntoIterator<Item = Credential>>(all: I) -> Self {
        Self(
            all.into_iter()
                .map(|credential| (credential.name.clone(), Arc::new(credential)))
                .collect(),
        )
    }
}

/// What the configuration settles for the core.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The credentials that exist.
    pub credentials: Credentials,
    /// The user id that owns the broker: nobody else may speak to it.
    pub owner: u32,
    /// The PID namespace that the broker itself is in: an inode. No sandbox is there.
    pub pid_namespace: u64,
    /// Longest lifetime of a session, in seconds.
    pub session_max: u64,
    /// Lifetime of a session that names none, in seconds.
    pub session_default: u64,
    /// Most sessions that may be live at once.
    pub max_live_sessions: usize,
    /// Members of these groups may revoke and list.
    pub admin_groups: BTreeSet<String>,
    /// Members of these groups may list.
    pub auditor_groups: BTreeSet<String>,
    /// The provider must have confirmed an admin within this many seconds.
    pub admin_freshness: u64,
    /// How approvals are asked for and remembered.
    pub approvals: ApprovalRules,
    /// What sandboxes may be like.
    pub profiles: Profiles,
    /// Which commands are given which credential.
    pub commands: Commands,
    /// The admin's requirements end then, and nothing is issued afterwards: seconds since the Unix
    /// epoch.
    pub requirements_expire: Option<u64>,
}
