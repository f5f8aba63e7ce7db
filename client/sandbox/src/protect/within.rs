//! Repositories within a workspace: git goes into those of its index by itself, and does as their settings say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Protection;
use crate::{
    error::{Error, shown},
    git::{self, Home, Whose},
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
        self.most = self.mounts.len() + MOUNTS;
        let own = workspace.join(".git");
        // What is one without a `.git` git only takes for one where it is run.
        let others = |path: &&PathBuf| path.ends_with(".git") && **path != own;
        let mut open = Vec::new();
        for path in repositories.iter().filter(others) {
            if let Err(error) = self.protect_one(workspace, path, home) {
                open.push((path, error));
            }
        }
        if let Some((first, why)) = open.first() {
            let others = match open.len() {
                1 => String::new(),
                count => format!(" and {} more repositories in the workspace", count - 1),
            };
            self.notes.push(format!(
                "`{}`{others} cannot be protected ({why}): what the agent changes there of what git runs is told at the end",
                shown(first)
            ));
        }
    }

    fn protect_one(&mut self, workspace: &Path, path: &Path, home: &Home) -> Result<(), Error> {
        // Before any of its settings is read.
        if !self.is_closed_at(path) {
            self.has_room(path)?;
        }
        let within = |path: &Path| path.strip_prefix(workspace).map(Path::to_owned);
        let Ok(relative) = within(path) else {
            return Ok(());
        };
        let facts = fs::symlink_metadata(path)
            .map_err(|_| Error::protected(path, "it is gone", "try again"))?;
        if !facts.is_dir() {
            // Refuses a link.
            self.protect(workspace, &relative)?;
        }
        let Some(folder) = git::folder_of(path) else {
            return Ok(());
        };
        // An agent may say so of any folder, and what is missing there would be made.
        if !facts.is_dir() && fs::symlink_metadata(folder.join("HEAD")).is_err() {
            return Err(Error::protected(
                path,
                "it leads to a folder that is no repository",
                "remove it",
            ));
        }
        let root = path.parent().unwrap_or(workspace);
        let names = git::named_by(Some(&folder), Whose::Within, root, workspace, home);
        for named in names.named {
            self.protect_as(workspace, &named.path, named.is_read)?;
        }
        // What is elsewhere is not shown.
        if let Ok(relative) = within(&folder)
            && !self.is_closed_at(&folder)
        {
            self.protect_repository(workspace, &relative)?;
        }
        if names.complete {
            return Ok(());
        }
        Err(Error::protected(
            path,
            "its settings are too large to be read",
            "look at them",
        ))
    }
}
