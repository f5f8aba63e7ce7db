//! What is in a folder of hooks.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::budget::{Budget, NAME};

/// What git looks for by its name (githooks(5)), also where nobody may list what there is.
const KNOWN: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "p4-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "p4-prepare-changelist",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
];
/// More hooks than git has, with what they call beside them.
const MOST: usize = 256;
/// More names than anybody has in such a folder.
const NAMES: usize = 4096;

/// Hooks, and what may be called by one.
pub(super) struct Hooks {
    pub(super) paths: Vec<PathBuf>,
    /// Whether there are no others but git's samples.
    pub(super) complete: bool,
}

impl Hooks {
    pub(super) fn of(folder: &Path, budget: &mut Budget) -> Self {
        let others = listed(folder, budget);
        let complete = others.is_some();
        let mut names = others.unwrap_or_default();
        let known = KNOWN.iter().map(OsString::from);
        budget.spend(NAME * KNOWN.len() as u64);
        names.extend(known.filter(|name| fs::symlink_metadata(folder.join(name)).is_ok()));
        let paths = names.iter().map(|name| folder.join(name)).collect();
        Self { paths, complete }
    }
}

/// Without samples. `None` if it cannot be listed, or is too long.
fn listed(folder: &Path, budget: &mut Budget) -> Option<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let is_none = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
            return is_none.then_some(names);
        }
    };
    for (count, entry) in entries.enumerate() {
        budget.spend(NAME);
        let name = entry.ok()?.file_name();
        if Path::new(&name).extension() != Some(OsStr::new("sample")) {
            names.insert(name);
        }
        if names.len() > MOST || count >= NAMES {
            return None;
        }
    }
    Some(names)
}
