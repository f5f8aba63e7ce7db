//! What git is in the middle of, and goes on with when it is told `--continue`: it runs what `exec` lines say.
//!
//! Told and not protected: an agent that is asked to go on with a rebase writes these files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::git;

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

/// Of one repository.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// Each with the file that it is in.
    known: BTreeSet<(PathBuf, Vec<u8>)>,
    /// A file that cannot be read, or is too large.
    unknown: Option<PathBuf>,
}

impl Steps {
    /// Of what is called `.git`, or is a repository itself.
    pub(crate) fn of(path: &Path) -> Self {
        let mut steps = Self::default();
        let Some(folder) = git::folder_of(path) else {
            return steps;
        };
        for name in LISTS {
            let file = folder.join(name);
            let text = steps.text(&file);
            let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
            let lines = lines.map(|line| (file.clone(), line.to_owned()));
            steps.known.extend(lines);
        }
        for name in MANNERS {
            let file = folder.join(name);
            let text = steps.text(&file);
            if !text.is_empty() {
                steps.known.insert((file, text));
            }
        }
        steps
    }

    fn text(&mut self, file: &Path) -> Vec<u8> {
        let text = git::bounded(file, LIMIT);
        if text.is_none() && fs::symlink_metadata(file).is_ok() {
            self.unknown = Some(file.to_owned());
        }
        text.unwrap_or_default()
    }

    /// A file with something in it that was not there before. That something is done, and gone, is as it should be.
    pub(crate) fn added_since(&self, before: Option<&Self>) -> Option<&Path> {
        let is_new =
            |step: &&(PathBuf, Vec<u8>)| !before.is_some_and(|before| before.known.contains(*step));
        let new = self.known.iter().find(is_new).map(|(file, _)| file);
        self.unknown.as_ref().or(new).map(PathBuf::as_path)
    }
}
