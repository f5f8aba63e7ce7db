//! Repositories within a workspace: git goes into those of its index by itself, and does as their settings say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Protection;
use crate::{
    error::{Error, shown},
    git::{self, Home},
};

/// Each mount costs its part of a millisecond.
const MOUNTS: usize = 32;

impl Protection {
    /// Closes of these what is closed of the workspace's own, as many as there may be. What becomes of the others
    /// is told at the end.
    pub(super) fn protect_within(
        &mut self,
        workspace: &Path,
        repositories: &[PathBuf],
        home: &Home,
    ) {
        let most = self.mounts.len() + MOUNTS;
        let own = workspace.join(".git");
        // What is one without a `.git` git only takes for one where it is run.
        let others = |path: &&PathBuf| path.ends_with(".git") && **path != own;
        let mut open = Vec::new();
        for path in repositories.iter().filter(others) {
            let is_full = self.mounts.len() >= most;
            if is_full || self.protect_one(workspace, path, home).is_err() {
                open.push(path);
            }
        }
        if let Some(first) = open.first() {
            let others = match open.len() {
                1 => String::new(),
                count => format!(" and {} more repositories in the workspace", count - 1),
            };
            self.notes.push(format!(
                "`{}`{others} cannot be protected: what the agent changes there of what git runs is told at the end",
                shown(first)
            ));
        }
    }

    fn protect_one(&mut self, workspace: &Path, path: &Path, home: &Home) -> Result<(), Error> {
        let within = |path: &Path| path.strip_prefix(workspace).map(Path::to_owned);
        let Ok(relative) = within(path) else {
            return Ok(());
        };
        let facts = fs::symlink_metadata(path).map_err(|_| Error::protected(path, "it is gone"))?;
        if !facts.is_dir() {
            // Refuses a link.
            self.protect(workspace, &relative)?;
        }
        let Some(folder) = git::folder_of(path) else {
            return Ok(());
        };
        let root = path.parent().unwrap_or(workspace);
        for named in git::named_by(Some(&folder), root, workspace, home) {
            self.protect(workspace, &named.path)?;
        }
        // What is elsewhere is not shown.
        let Ok(relative) = within(&folder) else {
            return Ok(());
        };
        if self.is_closed_at(&folder) {
            return Ok(());
        }
        let worktrees = git::worktrees(&folder);
        let worktrees = worktrees.iter().filter_map(|path| within(path).ok());
        let names = git::OF_GIT.iter().map(|name| relative.join(name));
        for path in names.chain(worktrees) {
            self.protect(workspace, &path)?;
        }
        Ok(())
    }

    /// Whether it is read-only already, with all above it.
    fn is_closed_at(&self, folder: &Path) -> bool {
        folder
            .ancestors()
            .any(|above| self.mounts.get(above) == Some(&false))
    }
}
