//! What git is in the middle of, and goes on with when it is told `--continue`: it runs what `exec` lines say.
//!
//! Told and not protected: an agent that is asked to go on with a rebase writes these files.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    budget::Budget,
    digest::{Digest, Digester},
};

/// A line for each step. A long rebase has some thousands.
const LISTS: &[&str] = &["rebase-merge/git-rebase-todo", "sequencer/todo"];
const LIMIT: u64 = 1024 * 1024;
/// How the steps are done: a strategy is a program's name.
const MANNERS: &[&str] = &[
    "rebase-apply/apply-opt",
    "rebase-apply/gpg_sign_opt",
    "rebase-merge/gpg_sign_opt",
    "rebase-merge/strategy",
    "rebase-merge/strategy_opts",
    "sequencer/opts",
];
/// What it takes to keep one in mind.
const STEP: u64 = 128;

/// Of one folder of git's.
#[derive(Debug, Default)]
pub(super) struct Steps(Vec<Part>);

/// Of one file.
#[derive(Debug)]
struct Part {
    file: PathBuf,
    known: BTreeSet<Digest>,
}

impl Steps {
    pub(super) fn of(folder: &Path, budget: &mut Budget) -> Self {
        let lists = LISTS.iter().map(|name| (name, true));
        let manners = MANNERS.iter().map(|name| (name, false));
        let mut steps = Self::default();
        for (name, is_list) in lists.chain(manners) {
            let file = folder.join(name);
            let Ok(facts) = fs::symlink_metadata(&file) else {
                continue;
            };
            let known = match budget.read(&file, LIMIT) {
                Some(text) if is_list => text
                    .split(|&byte| byte == b'\n')
                    .map(<[u8]>::trim_ascii)
                    .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
                    .map(|line| digest(&[line]))
                    .collect(),
                Some(text) if text.is_empty() => BTreeSet::new(),
                Some(text) => BTreeSet::from([digest(&[&text])]),
                // It cannot be read, or is too large: it is as it was as long as the kernel says so.
                None => BTreeSet::from([digest(&[
                    &facts.ino().to_be_bytes(),
                    &facts.ctime().to_be_bytes(),
                    &facts.ctime_nsec().to_be_bytes(),
                ])]),
            };
            budget.spend(STEP * known.len() as u64);
            steps.0.push(Part { file, known });
        }
        steps
    }

    /// A file with something in it that was not there before. That something is done, and gone, is as it should be.
    pub(super) fn added_since(&self, before: &Self) -> Option<&Path> {
        let is_new = |part: &&Part| {
            let before = before.0.iter().find(|other| other.file == part.file);
            before.map_or(!part.known.is_empty(), |before| {
                !part.known.is_subset(&before.known)
            })
        };
        self.0.iter().find(is_new).map(|part| part.file.as_path())
    }

    /// A file with something in it that was not as it is before then, in seconds and nanoseconds of the kernel's clock.
    pub(super) fn written_since(&self, then: (i64, i64)) -> Option<&Path> {
        let is_older = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|facts| (facts.ctime(), facts.ctime_nsec()) < then)
        };
        let is_new = |part: &&Part| {
            let mut both = part.file.ancestors().take(2);
            !part.known.is_empty() && !both.all(is_older)
        };
        self.0.iter().find(is_new).map(|part| part.file.as_path())
    }
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut digester = Digester::new();
    for part in parts {
        digester.add(part);
    }
    digester.end()
}
