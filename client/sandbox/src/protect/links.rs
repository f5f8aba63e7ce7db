//! What is in protected folders and is not kept by a mount: links, and files with other names.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use super::Protection;
use crate::{error::shown, git};

/// So many names are looked at, which takes some ten milliseconds.
const NAMES: usize = 20_000;
/// How many mounts there may be for what links lead to.
const MOUNTS: usize = 64;

/// What there is to say.
#[derive(Default)]
struct Open {
    links: Vec<(PathBuf, String)>,
    /// Files with hard links.
    others: Vec<PathBuf>,
    /// Folders that were not looked through to their end.
    large: Vec<PathBuf>,
}

impl Protection {
    /// Closes what links lead to below one of `roots`, where the agent could change it.
    pub(super) fn protect_links(&mut self, roots: &[PathBuf]) {
        self.most = self.mounts.len() + MOUNTS;
        let closed = self.mounts.iter().filter(|&(_, &writable)| !writable);
        let mut queue: VecDeque<PathBuf> = closed.map(|(path, _)| path.clone()).collect();
        let mut seen = BTreeSet::new();
        let mut open = Open::default();
        while let Some(path) = queue.pop_front() {
            let Ok(facts) = fs::symlink_metadata(&path) else {
                continue;
            };
            if !seen.insert(path.clone()) {
                continue;
            }
            if facts.is_symlink() {
                match self.protect_behind(&path, roots) {
                    Ok(end) => queue.extend(end),
                    Err(why) => open.links.push((path, why)),
                }
            } else if facts.is_dir() {
                let left = NAMES.saturating_sub(seen.len() + queue.len());
                let Ok(entries) = fs::read_dir(&path) else {
                    open.large.push(path);
                    continue;
                };
                let mut entries = entries.flatten();
                let within = entries.by_ref().take(left).map(|entry| entry.path());
                queue.extend(within.filter(|path| !is_data(path)));
                if entries.next().is_some() {
                    open.large.push(path);
                }
            } else if facts.nlink() > 1 {
                open.others.push(path);
            }
        }
        self.notes.extend(open.notes());
    }

    /// What has to be looked through then, or why it cannot be protected.
    fn protect_behind<'r>(
        &mut self,
        link: &Path,
        roots: &'r [PathBuf],
    ) -> Result<Option<PathBuf>, String> {
        let gone = || "it is gone".to_owned();
        let back = || "it goes back by `..` from a folder that may be replaced".to_owned();
        let text = fs::read_link(link).map_err(|_| gone())?;
        let parent = link.parent().ok_or_else(gone)?;
        let goes_back = goes_back(parent, &text, roots);
        let target = folded(&parent.join(text));
        let real = git::real(link);
        let has = |path: &Path| {
            roots
                .iter()
                .chain(&self.git)
                .any(|kept| kept.starts_with(path))
        };
        if real.as_deref().is_some_and(has) {
            return Err("it leads to a folder that is the agent's to write".to_owned());
        }
        let below = |root: &'r PathBuf| Some((root, git::below(root, &target)?));
        let Some((root, path)) = roots.iter().find_map(below) else {
            let end = real.unwrap_or_else(|| real_of(&target));
            self.outside.push((link.to_owned(), end));
            return if goes_back { Err(back()) } else { Ok(None) };
        };
        let end = root.join(&path);
        let is_closed = self.is_closed_at(&end);
        if !is_closed {
            if fs::symlink_metadata(&end).is_err() && self.is_of_git(root, &path) {
                return Err("it leads to what is missing among what is git's".to_owned());
            }
            let done = self.protect_as(root, &path, true);
            done.map_err(|error| error.to_string())?;
        }
        if goes_back {
            return Err(back());
        }
        // The other link may be one of the workspace's, also where it all leads to the same end.
        let is_by_name = target == end || by_name(root, &target).is_some_and(|named| named == end);
        if !is_by_name || real.is_some_and(|real| real != end) {
            return Err("it leads through another link".to_owned());
        }
        Ok(Some(end).filter(|_| !is_closed))
    }

    /// Where a name that should be missing has a meaning, such as that of a lock.
    fn is_of_git(&self, root: &Path, path: &Path) -> bool {
        let end = root.join(path);
        path.iter().any(|name| name == ".git") || self.git.iter().any(|git| end.starts_with(git))
    }
}

impl Open {
    fn notes(self) -> impl Iterator<Item = String> {
        let more = |count: usize, what: &str| match count {
            0 | 1 => String::new(),
            count => format!(" and {} more {what}", count - 1),
        };
        let links = self.links.first().map(|(first, why)| {
            format!(
                "`{}`{} cannot be protected, and others follow what is there ({why}): replace links by what they lead to",
                shown(first),
                more(self.links.len(), "links")
            )
        });
        let others = self.others.first().map(|first| {
            format!(
                "`{}`{} can be changed by another name (a hard link): put a copy in the place of each, `find -links +1 -type f` lists them",
                shown(first),
                more(self.others.len(), "files")
            )
        });
        let large = self.large.first().map(|first| {
            format!(
                "`{}`{} cannot be looked through to the end for links, whose ends the agent may be able to change: `find -type l` lists them",
                shown(first),
                more(self.large.len(), "folders")
            )
        });
        links.into_iter().chain(others).chain(large)
    }
}

/// Whether it does so by `..` after a name below one of `roots`, of which what is there decides where that leads.
fn goes_back(parent: &Path, text: &Path, roots: &[PathBuf]) -> bool {
    let mut here = parent.to_owned();
    let mut is_named = false;
    for part in text.components() {
        if part == Component::ParentDir {
            if is_named && roots.iter().any(|root| here.starts_with(root)) {
                return true;
            }
            here.pop();
        } else {
            is_named |= matches!(part, Component::Normal(_));
            here.push(part);
        }
    }
    false
}

/// What a path says below `root`, which may have other names.
fn by_name(root: &Path, path: &Path) -> Option<PathBuf> {
    let above: Vec<&Path> = path.ancestors().collect();
    let is_root = |above: &&&Path| git::real(above).is_some_and(|real| real == root);
    // From the top: there it is soon, however deep a path an agent makes.
    let highest = above.iter().rev().find(is_root)?;
    Some(root.join(path.strip_prefix(highest).ok()?))
}

/// Without `..`, where none of them is behind a link.
fn folded(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// Also where there is nothing yet.
fn real_of(path: &Path) -> PathBuf {
    let real = path.ancestors().find_map(|above| {
        let real = git::real(above)?;
        let left = path.strip_prefix(above).ok()?;
        Some(if left == Path::new("") {
            real
        } else {
            real.join(left)
        })
    });
    real.unwrap_or_else(|| path.to_owned())
}

/// What git runs nothing of. Its objects have other names where it cloned them.
fn is_data(path: &Path) -> bool {
    let is_named = ["objects", "refs", "logs"]
        .iter()
        .any(|name| path.ends_with(name));
    is_named && path.with_file_name("HEAD").exists()
}
