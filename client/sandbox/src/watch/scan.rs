//! The repositories in a workspace.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use super::{
    budget::Budget,
    state::{Facts, State},
    steps::Steps,
    walk::{Bound, walk},
};
use crate::git::{self, Home, Whose};

/// All that were found, first those that git itself goes into.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) found: Vec<Found>,
    /// What git is in the middle of, by the folder of git's that it is in.
    pub(super) steps: BTreeMap<PathBuf, Steps>,
    /// Whether there are no others.
    pub(super) complete: bool,
    /// What it took, as if so many bytes were read.
    #[cfg(test)]
    pub(super) spent: u64,
}

/// Something that git takes for a repository, or may.
#[derive(Debug)]
pub(super) struct Found {
    /// What is called `.git`, or a folder that is a repository itself.
    pub(super) path: PathBuf,
    /// Whether an index has it, so that git goes there by itself.
    pub(super) is_linked: bool,
    pub(super) state: State,
}

impl Scan {
    /// Of the workspace's own and those within, which is where `bound` counts.
    pub(super) fn of(workspace: &Path, home: &Home, bound: Bound) -> Self {
        let walk = walk(workspace, bound);
        let mut look = Look {
            workspace,
            home,
            bound,
            budget: Budget::of(bound.bytes),
            folders: BTreeMap::new(),
            steps: BTreeMap::new(),
            complete: walk.complete,
        };
        let mut found = Vec::new();
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
            if found.len() == bound.repositories || look.budget.is_spent() {
                look.complete = false;
                break;
            }
            let folder = look.budget.folder_of(&path);
            let state = look.state(&path, folder.as_deref());
            // What is left half read is as what was not come across.
            if !state.complete {
                look.complete = false;
                break;
            }
            for link in look.links(&path, folder.as_deref()) {
                if seen.contains(&link) || !is_there(&link) {
                    continue;
                }
                if queue.len() == bound.repositories {
                    look.complete = false;
                    break;
                }
                queue.push_back((link, is_linked));
            }
            let is_linked = is_linked && path != own;
            found.push(Found {
                path,
                is_linked,
                state,
            });
        }
        Self {
            found,
            steps: look.steps,
            complete: look.complete,
            #[cfg(test)]
            spent: look.budget.spent(),
        }
    }
}

/// At one after the other.
struct Look<'a> {
    workspace: &'a Path,
    home: &'a Home,
    bound: Bound,
    budget: Budget,
    /// Those of git's that were looked into, which many may lead to.
    folders: BTreeMap<PathBuf, State>,
    steps: BTreeMap<PathBuf, Steps>,
    complete: bool,
}

impl Look<'_> {
    /// Of what is at `path`, which is or leads to a `folder` of git's.
    fn state(&mut self, path: &Path, folder: Option<&Path>) -> State {
        let mut facts = Facts::new();
        facts.add(path, &mut self.budget);
        let Some(folder) = folder else {
            return facts.end();
        };
        facts.add_state(folder, &self.folder(folder));
        let common = self.budget.common_of(folder);
        let common = common.unwrap_or_else(|| folder.to_owned());
        facts.add_state(&common, &self.folder(&common));
        let files = vec![common.join("config"), folder.join("config.worktree")];
        let root = root_of(path);
        let whose = if root == self.workspace {
            Whose::Own
        } else {
            Whose::Within
        };
        let names = git::named_in(files, whose, root, self.workspace, self.home);
        self.complete &= names.complete;
        self.budget.spend(names.cost);
        for named in names.named {
            facts.add_named(&self.workspace.join(named.path), &mut self.budget);
        }
        facts.end()
    }

    /// Once, however many lead to it.
    fn folder(&mut self, folder: &Path) -> State {
        if let Some(state) = self.folders.get(folder) {
            return state.clone();
        }
        let state = State::of(folder, &mut self.budget);
        if !state.complete {
            return state;
        }
        let steps = Steps::of(folder, &mut self.budget);
        self.folders.insert(folder.to_owned(), state.clone());
        self.steps.insert(folder.to_owned(), steps);
        state
    }

    /// What the index of one leads to.
    fn links(&mut self, path: &Path, folder: Option<&Path>) -> Vec<PathBuf> {
        let Some(folder) = folder else {
            return Vec::new();
        };
        let root = root_of(path);
        let links = git::links(folder, self.bound.index, self.budget.left());
        self.complete &= links.complete;
        let paths: Vec<PathBuf> = links
            .paths
            .iter()
            .map(|link| root.join(link).join(".git"))
            .collect();
        let lengths = paths.iter().map(|path| path.as_os_str().len() as u64);
        self.budget.spend(links.bytes + lengths.sum::<u64>());
        paths
    }
}

/// Where git is when it uses one.
fn root_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if path.ends_with(".git") => parent,
        _ => path,
    }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
