//! The repositories in a workspace.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use super::{
    state::State,
    steps::Steps,
    walk::{Bound, walk},
};
use crate::git;

/// All that were found, first those that git itself goes into.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) found: Vec<Found>,
    /// Whether there are no others.
    pub(crate) complete: bool,
}

/// Something that git takes for a repository, or may.
#[derive(Debug)]
pub(crate) struct Found {
    /// What is called `.git`, or a folder that is a repository itself.
    pub(crate) path: PathBuf,
    /// Whether an index has it, so that git goes there by itself.
    pub(crate) is_linked: bool,
    pub(crate) state: State,
    pub(crate) steps: Steps,
}

impl Scan {
    /// Of the workspace's own and those within, which is where `bound` counts.
    pub(crate) fn of(workspace: &Path, bound: Bound) -> Self {
        let walk = walk(workspace, bound);
        let mut scan = Self {
            complete: walk.complete,
            ..Self::default()
        };
        let mut seen = BTreeSet::new();
        let mut others = walk.found.into_iter();
        let own = workspace.join(".git");
        let mut queue = VecDeque::from([(own.clone(), true)]);
        while let Some((path, is_linked)) = queue
            .pop_front()
            .or_else(|| others.next().map(|path| (path, false)))
        {
            if !is_there(&path) || !seen.insert(path.clone()) {
                continue;
            }
            if scan.found.len() == bound.repositories {
                scan.complete = false;
                return scan;
            }
            let links = scan.links(&path, bound.index);
            queue.extend(links.into_iter().map(|path| (path, is_linked)));
            let (state, steps) = (State::of(&path), Steps::of(&path));
            let is_linked = is_linked && path != own;
            scan.found.push(Found {
                path,
                is_linked,
                state,
                steps,
            });
        }
        scan
    }

    /// What the index of one leads to.
    fn links(&mut self, path: &Path, limit: u64) -> Vec<PathBuf> {
        let (Some(folder), Some(root)) = (git::folder_of(path), path.parent()) else {
            return Vec::new();
        };
        let links = git::links(&folder, limit);
        self.complete &= links.complete;
        let within = links.paths.into_iter();
        within.map(|link| root.join(link).join(".git")).collect()
    }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
