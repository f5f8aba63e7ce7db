//! What an agent made or changed that makes git run something, outside of the room.
//!
//! A repository within the workspace is enough: once the index has it, `git status` of the workspace's own
//! repository goes into it and does as its settings say.

mod budget;
mod digest;
mod hooks;
mod scan;
mod state;
mod steps;
mod walk;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rustix::fs::fstat;

use self::{
    scan::{Found, Scan},
    state::State,
    steps::Steps,
    walk::Bound,
};
use crate::{
    error::{Error, os, shown},
    git::Home,
    options::memory,
};

/// Somebody waits for their agent: some ten milliseconds.
const AT_START: Bound = Bound {
    folders: 1000,
    names: 20_000,
    kept: 4 * 1024 * 1024,
    repositories: 256,
    // Some two hundred thousand files.
    index: 24 * 1024 * 1024,
    bytes: 64 * 1024 * 1024,
};
/// Nobody waits for anything but the prompt: a second or two.
const AT_END: Bound = Bound {
    folders: 100_000,
    names: 1_000_000,
    kept: 64 * 1024 * 1024,
    repositories: 10_000,
    index: 256 * 1024 * 1024,
    bytes: 512 * 1024 * 1024,
};
/// So many sentences somebody reads.
const TOLD: usize = 10;

/// A workspace as it was when a room was made.
#[derive(Debug)]
pub(crate) struct Watch {
    workspace: PathBuf,
    home: Home,
    before: BTreeMap<PathBuf, State>,
    steps: BTreeMap<PathBuf, Steps>,
    is_complete: bool,
    /// In seconds and nanoseconds of the clock that the kernel dates files by.
    began: (i64, i64),
}

impl Watch {
    /// Begins to watch, and says what is there.
    pub(crate) fn begin(workspace: &Path, home: Home) -> Result<(Self, Vec<PathBuf>), Error> {
        Self::begin_within(workspace, home, AT_START)
    }

    fn begin_within(
        workspace: &Path,
        home: Home,
        bound: Bound,
    ) -> Result<(Self, Vec<PathBuf>), Error> {
        let began = today()?;
        let scan = Scan::of(workspace, &home, bound);
        let paths = scan.found.iter().map(|found| found.path.clone()).collect();
        let before = scan.found.into_iter();
        let before = before.map(|found| (found.path, found.state));
        let watch = Self {
            workspace: workspace.to_owned(),
            home,
            before: before.collect(),
            steps: scan.steps,
            is_complete: scan.complete,
            began,
        };
        Ok((watch, paths))
    }

    /// What is new or was changed, in sentences; also what was closed to the agent, who may have had another way.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        self.leftovers_within(AT_END)
    }

    fn leftovers_within(&self, bound: Bound) -> Vec<String> {
        let scan = Scan::of(&self.workspace, &self.home, bound);
        let others = scan.found.iter().filter(|found| self.is_other(found));
        let others: Vec<&Found> = others.collect();
        let mut told: Vec<String> = others
            .iter()
            .take(TOLD)
            .map(|found| sentence(found, self.before.contains_key(&found.path)))
            .collect();
        if let Some(more) = others.len().checked_sub(TOLD).filter(|more| *more > 0) {
            told.push(format!(
                "{more} more repositories in the workspace are new or were changed: `find {} '(' -name .git -o -name HEAD ')'` lists all",
                shown(&self.workspace)
            ));
        }
        let added = scan.steps.iter();
        let added = added.filter_map(|(folder, now)| self.added(folder, now));
        told.extend(added.take(TOLD).map(steps_sentence));
        if !scan.complete {
            told.push(format!(
                "`{0}` is too large to be looked through for repositories that the agent made or changed, or has folders that cannot be listed or settings of git's that are too large to be read: before you use git in a folder of it, see `find {0} '(' -name .git -o -name HEAD ')'`",
                shown(&self.workspace)
            ));
        }
        told
    }

    /// A file with steps that were not there.
    fn added<'a>(&self, folder: &Path, now: &'a Steps) -> Option<&'a Path> {
        match self.steps.get(folder) {
            Some(before) => now.added_since(before),
            None if self.is_complete => now.added_since(&Steps::default()),
            // It was not come across.
            None => now.written_since(self.began),
        }
    }

    fn is_other(&self, now: &Found) -> bool {
        match self.before.get(&now.path) {
            Some(before) => *before != now.state,
            None if self.is_complete => true,
            // It was not come across. What is older than the room is not the agent's.
            None => !now
                .state
                .is_older_than(self.began, &now.path, &self.workspace),
        }
    }
}

/// The date that a file has which is made now.
fn today() -> Result<(i64, i64), Error> {
    let facts = fstat(memory(&[])?).map_err(os("making a file in memory"))?;
    let rest = i64::try_from(facts.st_ctime_nsec).unwrap_or_default();
    Ok((facts.st_ctime, rest))
}

fn steps_sentence(file: &Path) -> String {
    format!(
        "git has something to go on with, to which the agent added: look at `{}` before `git rebase --continue` or its kin, which runs what `exec` lines say; `--abort` runs none",
        shown(file)
    )
}

fn sentence(found: &Found, was_there: bool) -> String {
    let path = shown(&found.path);
    let reached = if found.is_linked {
        "; `git status`, `git diff` and `git commit` of the repository above go there by themselves, the first two not with `--ignore-submodules=all`"
    } else {
        ""
    };
    let what = if was_there {
        format!("the agent changed the repository `{path}`, unless you did:")
    } else {
        format!("the agent made or changed the repository `{path}`: remove it, or")
    };
    format!(
        "{what} look at its `config`, `hooks` and `commondir`, and at what they name, before you use git there, also `git status`{reached}"
    )
}

#[cfg(test)]
mod tests;
