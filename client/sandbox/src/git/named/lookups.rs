//! Where paths of settings lead: each is looked up once, and no more of them than anybody has.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};

use super::{below_by, real};

/// More than anybody's settings name.
pub(super) const MOST: u64 = 4096;
/// What it takes to go through links: the kernel follows forty, each as long as a path may be.
const LINKED: u64 = 64;
/// A path takes one more for each so many bytes.
const LENGTH: usize = 256;

/// Of one reading of settings.
pub(super) struct Lookups<'a> {
    workspace: &'a Path,
    below: BTreeMap<PathBuf, Option<PathBuf>>,
    facts: BTreeMap<PathBuf, Option<Metadata>>,
    /// Real paths of folders on the way.
    real: BTreeMap<PathBuf, Option<PathBuf>>,
    tally: Tally,
}

/// How much was looked up.
pub(super) struct Tally {
    pub(super) spent: u64,
    /// Whether that was all.
    pub(super) complete: bool,
}

impl<'a> Lookups<'a> {
    pub(super) const fn of(workspace: &'a Path) -> Self {
        Self {
            workspace,
            below: BTreeMap::new(),
            facts: BTreeMap::new(),
            real: BTreeMap::new(),
            tally: Tally {
                spent: 0,
                complete: true,
            },
        }
    }

    /// As [`super::below`].
    pub(super) fn below(&mut self, path: PathBuf) -> Option<PathBuf> {
        if let Some(known) = self.below.get(&path) {
            return known.clone();
        }
        if !self.tally.spend(&path, 0) {
            return None;
        }
        let found = below_by(self.workspace, &path, |folder| {
            if let Some(known) = self.real.get(folder) {
                return known.clone();
            }
            let found = self.tally.spend_on(folder).then(|| real(folder)).flatten();
            self.real.insert(folder.to_owned(), found.clone());
            found
        });
        self.below.insert(path, found.clone());
        found
    }

    pub(super) fn facts(&mut self, path: PathBuf) -> Option<Metadata> {
        if let Some(known) = self.facts.get(&path) {
            return known.clone();
        }
        if !self.tally.spend_on(&path) {
            return None;
        }
        let found = fs::metadata(&path).ok();
        self.facts.insert(path, found.clone());
        found
    }

    pub(super) fn end(self) -> Tally {
        self.tally
    }
}

impl Tally {
    /// What it takes to look at something. Whether it may be.
    fn spend_on(&mut self, path: &Path) -> bool {
        let cost = if self.is_spent() || !is_linked(path) {
            0
        } else {
            LINKED
        };
        self.spend(path, cost)
    }

    const fn is_spent(&self) -> bool {
        self.spent >= MOST
    }

    fn spend(&mut self, path: &Path, more: u64) -> bool {
        if self.is_spent() {
            self.complete = false;
            return false;
        }
        self.spent += 1 + (path.as_os_str().len() / LENGTH) as u64 + more;
        true
    }
}

fn is_linked(path: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    found.is_err_and(|error| error == Errno::LOOP)
}
