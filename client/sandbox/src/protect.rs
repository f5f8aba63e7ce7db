//! What stays read-only in a writable workspace.
//!
//! A mount is what protects: it can be neither written, nor renamed, nor removed. So every folder on the
//! way to a protected path is mounted onto itself, or it could be renamed and another put in its place;
//! and what is protected but missing is made, empty, for as long as the room lasts.

mod placeholder;
mod within;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use crate::{
    error::{Error, shown},
    git::{self, Git, Home},
    places::Private,
    watch::Watch,
};

pub(crate) use self::placeholder::Placeholders;

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

/// How a workspace is protected.
#[derive(Debug)]
pub(crate) struct Protection {
    /// What to mount onto itself, parents first, and whether it stays writable.
    pub(crate) mounts: BTreeMap<PathBuf, bool>,
    /// What was made for it.
    pub(crate) placeholders: Placeholders,
    /// What could not be protected, for whoever starts the agent.
    pub(crate) notes: Vec<String>,
    /// What the agent may change all the same, as it is at first.
    watch: Option<Watch>,
}

impl Protection {
    /// Of a workspace that is read-only as a whole.
    pub(crate) fn none() -> Self {
        Self {
            mounts: BTreeMap::new(),
            placeholders: Placeholders::none(),
            notes: Vec::new(),
            watch: None,
        }
    }

    /// Protects these `paths` of `workspace`, whose real path that is. Makes what is missing.
    pub(crate) fn of(
        workspace: &Path,
        paths: &[PathBuf],
        private: &Private,
    ) -> Result<Self, Error> {
        let mut protection = Self {
            placeholders: Placeholders::of(workspace)?,
            ..Self::none()
        };
        let (watch, repositories) = Watch::begin(workspace, Home::at(&private.home))?;
        protection.watch = Some(watch);
        let (of_git, others): (Vec<_>, Vec<_>) =
            paths.iter().partition(|path| path.starts_with(".git"));
        for path in &others {
            protection.protect(workspace, path)?;
        }
        if of_git.is_empty() {
            return Ok(protection);
        }
        let git = git::of(workspace, private)?;
        match &git {
            Git::Absent => {
                if let Some(root) = git::around(workspace) {
                    protection.protect_named(root, workspace, private)?;
                }
            }
            Git::Folder => {
                for path in &of_git {
                    protection.protect(workspace, path)?;
                }
                let folder = workspace.join(".git");
                protection.protect_repository(&folder)?;
                protection.protect_named(workspace, workspace, private)?;
            }
            Git::Elsewhere { own, common } => {
                protection.protect(workspace, Path::new(".git"))?;
                protection.mounts.insert(common.clone(), true);
                protection.protect_repository(common)?;
                // Last: what is the worktree's own was taken for another's.
                protection.mounts.insert(own.clone(), true);
                for name in ["commondir", "gitdir", "config.worktree", "modules"] {
                    protection.protect(own, Path::new(name))?;
                }
                protection.protect_named(workspace, workspace, private)?;
            }
            Git::NotShown(why) => {
                protection.protect(workspace, Path::new(".git"))?;
                protection.notes.push((*why).to_owned());
            }
        }
        protection.protect_within(workspace, &repositories, &Home::at(&private.home));
        Ok(protection)
    }

    fn protect_repository(&mut self, folder: &Path) -> Result<(), Error> {
        for name in git::OF_GIT {
            self.protect(folder, Path::new(name))?;
        }
        for worktree in git::worktrees(folder) {
            let within = worktree
                .strip_prefix(folder)
                .unwrap_or(&worktree)
                .to_owned();
            self.protect(folder, &within)?;
        }
        // A folder with a worktree in it stays where it is, and so does the one above.
        self.mounts.entry(folder.to_owned()).or_insert(true);
        Ok(())
    }

    /// The workspace's own files that git runs, or reads settings from, because somebody said so.
    fn protect_named(
        &mut self,
        root: &Path,
        workspace: &Path,
        private: &Private,
    ) -> Result<(), Error> {
        for named in git::named(root, workspace, &Home::at(&private.home)) {
            match self.protect(workspace, &named.path) {
                // A program is often a link, such as those of `node_modules/.bin`.
                Err(error @ Error::Protected { .. }) if !named.is_silent => {
                    self.notes
                        .push(format!("git was told to run it, and {error}"));
                }
                done => done?,
            }
        }
        Ok(())
    }

    fn protect(&mut self, root: &Path, path: &Path) -> Result<(), Error> {
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
            let is_last = index + 1 == names.len();
            match fs::symlink_metadata(&here) {
                Ok(facts) if facts.is_symlink() => {
                    return Err(Error::protected(
                        &here,
                        "it is a symbolic link, and who changes the link changes what is behind it",
                    ));
                }
                // Where a folder was expected there is a file: then there is nothing below, and this
                // way nothing comes.
                Ok(facts) if is_last || !facts.is_dir() => {
                    self.note_other_names(&here, &facts);
                    self.placeholders.adopt(&here)?;
                    self.mounts.insert(here, false);
                    return Ok(());
                }
                // A folder above that was made for another path is closed as a whole.
                Ok(_) if self.mounts.get(&here) == Some(&false) => return Ok(()),
                Ok(_) if self.placeholders.adopt(&here)? => {
                    self.mounts.insert(here, false);
                    return Ok(());
                }
                Ok(_) => {
                    self.mounts.entry(here.clone()).or_insert(true);
                }
                Err(_) => {
                    self.placeholders.make(&here)?;
                    self.mounts.insert(here, false);
                    // What is below it cannot be made: it is empty and read-only.
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A file with a second name can be changed by that one.
    fn note_other_names(&mut self, path: &Path, facts: &fs::Metadata) {
        let mut note = |path: &Path, facts: &fs::Metadata| {
            if facts.is_file() && facts.nlink() > 1 {
                self.notes.push(format!(
                    "`{}` has another name (a hard link), by which it can be changed",
                    shown(path)
                ));
            }
        };
        note(path, facts);
        if facts.is_dir() {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                if let Ok(facts) = entry.metadata() {
                    note(&entry.path(), &facts);
                }
            }
        }
    }

    /// What an agent made that somebody should look at before they use it.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let watch = self.watch.as_ref();
        watch.map_or_else(Vec::new, Watch::leftovers)
    }
}
