//! What of a repository makes git run something, as it is now.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use crate::git;

/// More hooks than git has, with those that are kept beside them.
const HOOKS: usize = 256;

/// Two are equal if git runs the same by them. What a room makes to protect it makes no difference.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State(Vec<(PathBuf, Runs, Fact)>);

/// Who may run it.
type Runs = u32;

#[derive(Debug, PartialEq, Eq)]
enum Fact {
    Text(Vec<u8>),
    Link(PathBuf),
    Folder,
    /// Device, inode, and when it was last changed, which nobody but the kernel sets.
    Other(u64, u64, i64, i64),
}

impl State {
    /// Of what is called `.git`, or is a repository itself.
    pub(crate) fn of(path: &Path) -> Self {
        let mut state = Self(Vec::new());
        state.add(path);
        let Some(folder) = git::folder_of(path) else {
            return state;
        };
        state.add_folder(&folder);
        let elsewhere = git::small(&folder.join("commondir"));
        if let Some(other) = elsewhere.and_then(|words| {
            let words = words.trim_end_matches('\n').as_bytes();
            fs::canonicalize(folder.join(OsStr::from_bytes(words))).ok()
        }) && other != folder
        {
            state.add_folder(&other);
        }
        state
    }

    fn add_folder(&mut self, folder: &Path) {
        for (name, nothing) in [
            ("config", &b""[..]),
            ("config.worktree", b""),
            ("commondir", git::HERE),
        ] {
            let path = folder.join(name);
            if git::bounded(&path, git::SMALL).as_deref() != Some(nothing) {
                self.add(&path);
            }
        }
        let hooks = folder.join("hooks");
        let mut entries: Vec<PathBuf> = fs::read_dir(&hooks)
            .into_iter()
            .flatten()
            .flatten()
            .take(HOOKS)
            .map(|entry| entry.path())
            .filter(|path| path.extension() != Some(OsStr::new("sample")))
            .collect();
        entries.sort();
        if !entries.is_empty() {
            self.add(&hooks);
        }
        for entry in entries {
            self.add(&entry);
        }
    }

    fn add(&mut self, path: &Path) {
        let Ok(facts) = fs::symlink_metadata(path) else {
            return;
        };
        let fact = if facts.is_symlink() {
            Fact::Link(fs::read_link(path).unwrap_or_default())
        } else if facts.is_dir() {
            Fact::Folder
        } else if let Some(text) = git::bounded(path, git::SMALL) {
            Fact::Text(text)
        } else {
            let (seconds, rest) = (facts.ctime(), facts.ctime_nsec());
            Fact::Other(facts.dev(), facts.ino(), seconds, rest)
        };
        let runs = facts.mode() & 0o111;
        self.0.push((path.to_owned(), runs, fact));
    }

    /// Whether all of it has been as it is since before then, in seconds and nanoseconds of the kernel's clock; also
    /// that it was where it is below `root`.
    pub(crate) fn is_older_than(&self, then: (i64, i64), path: &Path, root: &Path) -> bool {
        let below = path.ancestors().take_while(|folder| *folder != root);
        let mut all = self.0.iter().map(|(path, ..)| path.as_path()).chain(below);
        all.all(|path| {
            fs::symlink_metadata(path).is_ok_and(|facts| (facts.ctime(), facts.ctime_nsec()) < then)
        })
    }
}
