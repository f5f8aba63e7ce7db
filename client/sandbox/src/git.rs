//! What git would be made to run by, and where a workspace keeps it.

mod ask;
mod command;
mod config;
mod index;
mod named;
mod read;
mod setting;

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

pub(crate) use self::{
    config::{Whose, named_in},
    index::links,
    named::{Names, below},
    read::{SMALL, bounded, real},
    setting::Home,
};
use self::{
    read::{path_in, path_read},
    setting::Setting,
};
use crate::{error::Error, places};

/// Where a workspace keeps what git knows.
#[derive(Debug)]
pub(crate) enum Git {
    /// Nowhere, yet.
    Absent,
    /// In its `.git`.
    Folder,
    /// Elsewhere: it is a linked worktree. `own` is its folder, in `common`, the repository's.
    Elsewhere { own: PathBuf, common: PathBuf },
    /// Elsewhere, in words why it is not shown.
    NotShown(&'static str),
}

/// What is protected in a folder of git's, beside what the profile names: git reads its settings and its
/// hooks from wherever `commondir` says, so that a file of that name is as good as both.
pub(crate) const OF_GIT: &[&str] = &["config", "config.worktree", "hooks", "modules", "commondir"];

/// What a `commondir` says that leaves everything as it is. An empty one makes git fail.
pub(crate) const HERE: &[u8] = b".";

/// More than a repository has.
const WORKTREES: usize = 1000;

pub(crate) fn of(workspace: &Path, private: &places::Private) -> Result<Git, Error> {
    let path = workspace.join(".git");
    let Ok(facts) = fs::symlink_metadata(&path) else {
        return Ok(Git::Absent);
    };
    if facts.is_symlink() {
        return Err(Error::link(&path));
    }
    if facts.is_dir() {
        return Ok(Git::Folder);
    }
    let Some((own, common)) = linked(&path) else {
        return Ok(Git::NotShown(
            "`.git` points to a folder that does not point back as that of a linked worktree does: git does not work in this room. `git worktree repair` mends a linked worktree; in place of a submodule start in the repository around it",
        ));
    };
    if has_others(&common, workspace) {
        return Ok(Git::NotShown(
            "`.git` points to a repository with working trees in its own folder, which would be shown with it: git does not work in this room. `git worktree move` takes them out",
        ));
    }
    places::shows_nothing_private(&path, &common, private, places::ELSEWHERE)?;
    Ok(Git::Elsewhere { own, common })
}

/// The folders of a linked worktree. The file `.git` may have been written by an earlier agent, so it is
/// believed only if the repository, which is the user's, says that this is a worktree of its own.
fn linked(file: &Path) -> Option<(PathBuf, PathBuf)> {
    let own = folder_of(file)?;
    let at = |name| Some(own.join(path_in(&own.join(name), "")?));
    let common = fs::canonicalize(at("commondir")?).ok()?;
    let back = fs::canonicalize(at("gitdir")?).ok()?;
    let user = geteuid().as_raw();
    let is_ours =
        |path: &Path| fs::metadata(path).is_ok_and(|facts| facts.is_dir() && facts.uid() == user);
    let is_repository = ["objects", "refs"]
        .iter()
        .all(|name| common.join(name).is_dir());
    (back == fs::canonicalize(file).ok()?
        && own.parent()? == common.join("worktrees")
        && is_ours(&own)
        && is_ours(&common)
        && is_repository)
        .then_some((own, common))
}

/// The folder of git's that something called `.git` is or leads to, or a repository itself.
pub(crate) fn folder_of(path: &Path) -> Option<PathBuf> {
    folder_read(path, &mut 0)
}

/// The same, and how many bytes more were read.
pub(crate) fn folder_read(path: &Path, read: &mut u64) -> Option<PathBuf> {
    if path.is_dir() {
        return real(path);
    }
    real(&path.parent()?.join(path_read(path, "gitdir: ", read)?))
}

/// Where the settings and hooks of a folder of git's are, if it says so, and how many bytes more were read.
pub(crate) fn common_read(folder: &Path, read: &mut u64) -> Option<PathBuf> {
    real(&folder.join(path_read(&folder.join("commondir"), "", read)?))
}

/// Whether a folder that git knows a working tree in is below the repository's.
fn has_others(common: &Path, workspace: &Path) -> bool {
    let trees = worktrees(common).into_iter().take(WORKTREES);
    let trees = trees.filter_map(|own| Some(own.join(path_in(&own.join("gitdir"), "")?)));
    let mut trees = trees.filter_map(|file| fs::canonicalize(file.parent()?).ok());
    workspace.starts_with(common) || trees.any(|tree| tree.starts_with(common))
}

/// The worktrees of a repository. Each is another folder of the user's, where git is told by this one
/// what to run; an agent may add its own.
pub(crate) fn worktrees(common: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(common.join("worktrees")).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// What git's settings name in the workspace where git is used in `root`: hooks, helpers, other settings.
pub(crate) fn named(root: &Path, workspace: &Path, home: &Home) -> Names {
    let folder = folder_of(&root.join(".git"));
    // Also what git does not say: an agent can have it take the folder for no repository.
    let mut found = named_by(folder.as_deref(), Whose::Own, root, workspace, home);
    let Some(mut settings) = ask::settings(root, home) else {
        return found;
    };
    // What is included under a condition that is not met may be so later, by what an agent does.
    let included = settings.iter().flat_map(|setting| setting.included(home));
    let is_read = |path: &PathBuf| {
        let files = settings.iter().filter_map(|setting| setting.file.as_ref());
        files.into_iter().any(|file| file == path)
    };
    let others = included.filter(|path| !is_read(path)).collect();
    let others = config::read(others, Whose::Own, home);
    settings.extend(others.settings);
    let more = named::of(&settings, root, workspace, home);
    found.complete &= others.complete && more.complete;
    found.named.extend(more.named);
    found.named.sort();
    found.named.dedup();
    found
}

/// The same without git, which would take its time for each of many repositories.
pub(crate) fn named_by(
    folder: Option<&Path>,
    whose: Whose,
    root: &Path,
    workspace: &Path,
    home: &Home,
) -> Names {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        let common = path_in(&folder.join("commondir"), "").map(|path| folder.join(path));
        files.push(common.as_deref().unwrap_or(folder).join("config"));
        files.push(folder.join("config.worktree"));
    }
    config::named_in(files, whose, root, workspace, home)
}

/// The working tree that a folder without a `.git` is in.
pub(crate) fn around(workspace: &Path) -> Option<&Path> {
    workspace
        .ancestors()
        .find(|folder| folder.join(".git").exists())
}

#[cfg(test)]
mod tests;
