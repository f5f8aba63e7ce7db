//! What stays read-only in a writable workspace.
//!
//! A mount is what protects: it can be neither written, nor renamed, nor removed. So every folder on the
//! way to a protected path is mounted onto itself, or it could be renamed and another put in its place;
//! and what is protected but missing is made, empty, for as long as the room lasts.

mod links;
mod placeholder;
mod repository;
mod within;

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Component, Path, PathBuf},
};

use self::placeholder::{Placeholders, There};
use crate::{error::Error, git::Home, places::Private, watch::Watch};

/// What a profile protects if it says nothing else: what makes git, an editor, a shell, a build server or
/// another agent run what it says, outside of the room.
pub const DEFAULT_PROTECTED: &[&str] = &[
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/modules",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".github/workflows",
    ".github/actions",
    ".gitlab-ci.yml",
    ".circleci",
    ".envrc",
    ".mcp.json",
    ".claude",
    ".cursor",
    ".codex",
    ".gemini",
    ".husky",
    ".pre-commit-config.yaml",
];

/// More than a workspace has; bubblewrap needs the longer for each mount the more there are.
const MOUNTS: usize = 256;
/// How long the paths of all mounts may be together, where each that is writable is told twice. The room is told of
/// them in one message, which has two digits for each byte, and of what a profile shows.
const BYTES: usize = 40 * 1024;
/// A process may have some 1024 files open.
const HELD: usize = 512;

/// How a workspace is protected.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// What to mount onto itself, parents first, and whether it stays writable.
    pub(crate) mounts: BTreeMap<PathBuf, bool>,
    /// What could not be protected, for whoever starts the agent.
    pub(crate) notes: Vec<String>,
    /// Links that are protected and lead out of the workspace, with where they do.
    pub(crate) outside: Vec<(PathBuf, PathBuf)>,
    placeholders: Placeholders,
    /// Folders of git's, which cannot be closed as a whole.
    git: Vec<PathBuf>,
    /// How many mounts there may be.
    most: usize,
    /// What the agent may change all the same, as it is at first.
    watch: Option<Watch>,
}

impl Protection {
    /// Protects these `paths` of `workspace`, whose real path that is. Makes what is missing.
    pub(crate) fn of(
        workspace: &Path,
        paths: &[PathBuf],
        private: &Private,
    ) -> Result<Self, Error> {
        let (watch, repositories) = Watch::begin(workspace, Home::at(&private.home))?;
        let mut protection = Self {
            most: MOUNTS,
            watch: Some(watch),
            ..Self::default()
        };
        let (of_git, others): (Vec<_>, Vec<_>) =
            paths.iter().partition(|path| path.starts_with(".git"));
        for path in &others {
            protection.protect(workspace, path)?;
        }
        if !of_git.is_empty() {
            let home = Home::at(&private.home);
            protection.protect_own(workspace, &of_git, private, &home)?;
            protection.protect_within(workspace, &repositories, &home);
        }
        let mut roots = vec![workspace.to_owned()];
        roots.extend(protection.git.clone());
        protection.protect_links(&roots);
        Ok(protection)
    }

    fn protect(&mut self, root: &Path, path: &Path) -> Result<(), Error> {
        self.protect_as(root, path, false)
    }

    /// What is missing becomes a file if it `is_read`, and a folder otherwise.
    fn protect_as(&mut self, root: &Path, path: &Path, is_read: bool) -> Result<(), Error> {
        let names: Vec<_> = path.components().collect();
        if names.is_empty()
            || !names
                .iter()
                .all(|name| matches!(name, Component::Normal(_)))
        {
            return Err(Error::Plan(
                "a protected path that is not one below the workspace",
            ));
        }
        let mut here = root.to_owned();
        for (index, name) in names.iter().enumerate() {
            here.push(name);
            // What is below is closed with it.
            if self.mounts.get(&here) == Some(&false) {
                return Ok(());
            }
            let is_last = index + 1 == names.len();
            let facts = fs::symlink_metadata(&here).ok();
            if facts.as_ref().is_some_and(Metadata::is_symlink) {
                return Err(Error::link(&here));
            }
            // First: whatever is adopted is kept open.
            self.has_room(&here)?;
            let (there, is_folder) = match facts {
                Some(facts) => (self.placeholders.adopt(&here)?, facts.is_dir()),
                None => (There::Gone, false),
            };
            match there {
                There::Theirs if is_folder && !is_last => {
                    self.mounts.entry(here.clone()).or_insert(true);
                    continue;
                }
                // What is below it cannot be made: it is empty and read-only. So is nothing below what is a file where
                // a folder was expected, and this way nothing comes.
                There::Gone => self.placeholders.make(&here, is_last && is_read)?,
                There::Placeholder | There::Theirs => {}
            }
            self.mounts.retain(|other, _| !other.starts_with(&here));
            self.mounts.insert(here, false);
            return Ok(());
        }
        Ok(())
    }

    fn has_room(&self, path: &Path) -> Result<(), Error> {
        if self.mounts.contains_key(path) || !self.is_full() && self.bytes_with(path) <= BYTES {
            return Ok(());
        }
        Err(Error::protected(
            path,
            "there are too many places to protect, or their names are too long",
            "let the profile name folders above them, or use one whose workspace is `open`",
        ))
    }

    /// What is closed with a folder above it has no mount any more, and still a descriptor.
    fn is_full(&self) -> bool {
        self.mounts.len() >= self.most || self.placeholders.count() >= HELD
    }

    fn bytes_with(&self, path: &Path) -> usize {
        let length =
            |path: &Path, writable: bool| path.as_os_str().len() * (1 + usize::from(writable));
        let mounts = self.mounts.iter();
        let all: usize = mounts.map(|(path, &writable)| length(path, writable)).sum();
        all + length(path, true)
    }

    /// Whether it is read-only already.
    fn is_closed_at(&self, path: &Path) -> bool {
        // There are fewer of these than a path may have folders, and parents come first.
        let mut above = self.mounts.iter().rev();
        let nearest = above.find(|(above, _)| path.starts_with(above));
        nearest.is_some_and(|(_, &writable)| !writable)
    }

    /// What an agent made that somebody should look at before they use it.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let watch = self.watch.as_ref();
        watch.map_or_else(Vec::new, Watch::leftovers)
    }
}
