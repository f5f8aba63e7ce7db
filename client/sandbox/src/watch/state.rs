//! What of a repository makes git run something, as it is now.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use super::{
    budget::Budget,
    digest::{Digest, Digester},
    hooks::Hooks,
};
use crate::git;

/// Two are equal if git runs the same by them. What a room makes to protect it makes no difference.
#[derive(Debug, Clone)]
pub(super) struct State {
    digest: Digest,
    /// When something of it was last changed, which nobody but the kernel sets.
    changed: (i64, i64),
    /// Whether there was enough to spend.
    pub(super) complete: bool,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl State {
    /// Of a folder of git's.
    pub(super) fn of(folder: &Path, budget: &mut Budget) -> Self {
        let mut facts = Facts::new();
        for (name, nothing) in [
            ("config", &b""[..]),
            ("config.worktree", b""),
            ("commondir", git::HERE),
        ] {
            let path = folder.join(name);
            if budget.read(&path, git::SMALL).as_deref() != Some(nothing) {
                facts.add(&path, budget);
            }
        }
        facts.add_hooks(&folder.join("hooks"), budget);
        facts.end()
    }

    /// Whether all of it has been as it is since before then, in seconds and nanoseconds of the kernel's clock; also
    /// that it was where it is below `root`.
    pub(super) fn is_older_than(&self, then: (i64, i64), path: &Path, root: &Path) -> bool {
        let mut below = path.ancestors().take_while(|folder| *folder != root);
        self.changed < then
            && below
                .all(|path| fs::symlink_metadata(path).is_ok_and(|facts| changed(&facts) < then))
    }
}

/// What a state is made of.
pub(super) struct Facts {
    digester: Digester,
    changed: (i64, i64),
    complete: bool,
}

impl Facts {
    pub(super) fn new() -> Self {
        Self {
            digester: Digester::new(),
            changed: (i64::MIN, 0),
            complete: true,
        }
    }

    /// Something and, where it is a link, what is behind it; who may run it counts too.
    pub(super) fn add(&mut self, path: &Path, budget: &mut Budget) {
        let Ok(facts) = fs::symlink_metadata(path) else {
            return;
        };
        self.add_one(path, &facts, budget);
        if facts.is_symlink()
            && let Ok(behind) = fs::metadata(path)
        {
            self.add_one(path, &behind, budget);
        }
    }

    fn add_one(&mut self, path: &Path, facts: &Metadata, budget: &mut Budget) {
        self.changed = self.changed.max(changed(facts));
        self.digester.add_path(path);
        self.digester.add(&(facts.mode() & 0o111).to_be_bytes());
        if facts.is_symlink() {
            self.digester.add(b"link");
            let leads = fs::read_link(path).unwrap_or_default();
            self.digester.add_path(&leads);
        } else if facts.is_dir() {
            self.digester.add(b"folder");
        } else if let Some(text) = budget.read(path, git::SMALL) {
            self.digester.add(b"text");
            self.digester.add(&text);
        } else {
            self.add_other(facts);
        }
    }

    /// What is only known to be the same one.
    fn add_other(&mut self, facts: &Metadata) {
        self.digester.add(b"other");
        self.digester.add(&facts.dev().to_be_bytes());
        self.digester.add(&facts.ino().to_be_bytes());
        let (seconds, rest) = changed(facts);
        self.digester.add(&seconds.to_be_bytes());
        self.digester.add(&rest.to_be_bytes());
    }

    /// A folder of hooks, if there is one in it.
    fn add_hooks(&mut self, folder: &Path, budget: &mut Budget) {
        let hooks = Hooks::of(folder, budget);
        if !hooks.paths.is_empty() || !hooks.complete {
            self.add(folder, budget);
        }
        if !hooks.complete
            && let Ok(facts) = fs::metadata(folder)
        {
            self.add_other(&facts);
        }
        for path in &hooks.paths {
            if self.is_cut(budget) {
                return;
            }
            self.add(path, budget);
        }
    }

    /// Whether it ends before what follows.
    const fn is_cut(&mut self, budget: &Budget) -> bool {
        self.complete &= !budget.is_spent();
        !self.complete
    }

    /// What settings name: a folder of hooks, more settings, or a program. An empty one is none.
    pub(super) fn add_named(&mut self, path: &Path, budget: &mut Budget) {
        if self.is_cut(budget) {
            return;
        }
        if path.is_dir() {
            self.add_hooks(path, budget);
        } else if budget.read(path, 0).is_none() {
            self.add(path, budget);
        }
    }

    pub(super) fn add_state(&mut self, folder: &Path, state: &State) {
        self.digester.add_path(folder);
        self.digester.add(&state.digest);
        self.changed = self.changed.max(state.changed);
        self.complete &= state.complete;
    }

    pub(super) fn end(self) -> State {
        State {
            digest: self.digester.end(),
            changed: self.changed,
            complete: self.complete,
        }
    }
}

fn changed(facts: &Metadata) -> (i64, i64) {
    (facts.ctime(), facts.ctime_nsec())
}
