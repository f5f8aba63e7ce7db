//! What a sandbox is like. The launcher makes it; what the network gives is the policies' affair, and they
//! see the profile's name.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::ProfileName;

/// How the workspace is seen from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workspace {
    /// It can be read.
    ReadOnly,
    /// It can be written, but for protected paths.
    Writable,
    /// It can be written, all of it.
    Open,
}

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// How the workspace is seen.
    pub workspace: Workspace,
    /// Paths in the workspace that stay as they are, beside those that the launcher knows.
    pub protected: Vec<String>,
    /// Absolute paths of this machine that can be read beside the system's programs.
    pub readable: Vec<String>,
    /// Absolute paths that can be written.
    pub writable: Vec<String>,
    /// Variables of the developer's environment that are handed in.
    pub environment: Vec<String>,
    /// Whether there is a network at all.
    pub network: bool,
    /// Whether every request is looked into and only those that change nothing pass.
    pub only_reads: bool,
}

impl Profile {
    /// One that is named so and allows what `workspace` says, with a network.
    fn shipped(name: ProfileName, workspace: Workspace) -> Self {
        Self {
            name,
            workspace,
            protected: Vec::new(),
            readable: Vec::new(),
            writable: Vec::new(),
            environment: Vec::new(),
            network: true,
            only_reads: workspace == Workspace::ReadOnly,
        }
    }
}

/// The profiles that may be used.
#[derive(Clone, Debug)]
pub struct Profiles {
    all: BTreeMap<ProfileName, Arc<Profile>>,
    usual: Option<ProfileName>,
    forbidden: BTreeSet<ProfileName>,
}

impl Profiles {
    /// These, with the name of the one that is meant where none is named.
    pub fn new(all: impl IntoIterator<Item = Profile>, usual: ProfileName) -> Self {
        let all = all.into_iter().map(|one| (one.name.clone(), Arc::new(one)));
        Self {
            all: all.collect(),
            usual: Some(usual),
            forbidden: BTreeSet::new(),
        }
    }

    /// The same, and these are known to be kept away by the admin's requirements.
    #[must_use]
    pub fn without(self, forbidden: BTreeSet<ProfileName>) -> Self {
        Self { forbidden, ..self }
    }

    /// `read-only`, `workspace-write`, which is the usual one, and `open`.
    pub fn shipped() -> Self {
        let named = |name: &str, workspace| {
            let name = ProfileName::parse(name).ok()?;
            Some(Profile::shipped(name, workspace))
        };
        let all = [
            named("read-only", Workspace::ReadOnly),
            named("workspace-write", Workspace::Writable),
            named("open", Workspace::Open),
        ];
        let all: BTreeMap<_, _> = all
            .into_iter()
            .flatten()
            .map(|one| (one.name.clone(), Arc::new(one)))
            .collect();
        let usual = all.keys().next_back().cloned();
        Self {
            all,
            usual,
            forbidden: BTreeSet::new(),
        }
    }

    /// None at all: nothing may be run.
    pub const fn none() -> Self {
        Self {
            all: BTreeMap::new(),
            usual: None,
            forbidden: BTreeSet::new(),
        }
    }

    /// The profile with this name; the usual one where none is named.
    pub fn find(&self, name: Option<&ProfileName>) -> Option<Arc<Profile>> {
        self.all.get(name.or(self.usual.as_ref())?).cloned()
    }

    /// Whether there would be one with this name, but for the admin's requirements.
    pub fn forbids(&self, name: &ProfileName) -> bool {
        self.forbidden.contains(name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &ProfileName> {
        self.all.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::{Profiles, Workspace};

    #[test]
    fn the_usual_one_writes_the_workspace() {
        let profiles = Profiles::shipped();
        let usual = profiles.find(None).unwrap();
        assert_eq!(usual.name.as_str(), "workspace-write");
        assert_eq!(usual.workspace, Workspace::Writable);
        let names: Vec<_> = profiles.names().map(|name| name.as_str()).collect();
        assert_eq!(names, ["open", "read-only", "workspace-write"]);
        for profile in names {
            let profile = crate::ProfileName::parse(profile).unwrap();
            let profile = profiles.find(Some(&profile)).unwrap();
            assert_eq!(profile.only_reads, profile.workspace == Workspace::ReadOnly);
        }
    }
}
