//! What is protected of the workspace's own repository.

use std::path::{Path, PathBuf};

use super::Protection;
use crate::{
    error::{Error, shown},
    git::{self, Git, Home},
    places::Private,
};

/// More are closed together.
const WORKTREES: usize = 64;

const OF_GIT: &str = "git has it there, and an agent may have made it: look at what it is, and remove it or replace a link by what it leads to";
const BY_SETTINGS: &str = "git's settings name it, and an agent may have written them: `git config --list --show-origin` tells which file does";

impl Protection {
    /// And these `paths`, which are in `.git`.
    pub(super) fn protect_own(
        &mut self,
        workspace: &Path,
        paths: &[&PathBuf],
        private: &Private,
        home: &Home,
    ) -> Result<(), Error> {
        match git::of(workspace, private)? {
            Git::Absent => {
                if let Some(root) = git::around(workspace) {
                    self.protect_named(root, workspace, home)?;
                }
                return Ok(());
            }
            Git::Folder => {
                for path in paths {
                    self.protect(workspace, path)?;
                }
                self.protect_repository(workspace, Path::new(".git"))?;
                self.git.push(workspace.join(".git"));
            }
            Git::Elsewhere { own, common } => {
                self.protect(workspace, Path::new(".git"))?;
                self.protect_linked(&own, &common, paths)?;
                self.git.extend([own, common]);
            }
            Git::NotShown(why) => {
                self.protect(workspace, Path::new(".git"))?;
                self.notes.push(why.to_owned());
            }
        }
        self.protect_named(workspace, workspace, home)
    }

    fn protect_linked(
        &mut self,
        own: &Path,
        common: &Path,
        paths: &[&PathBuf],
    ) -> Result<(), Error> {
        let paths = paths
            .iter()
            .filter_map(|path| path.strip_prefix(".git").ok());
        let paths: Vec<&Path> = paths.filter(|path| *path != Path::new("")).collect();
        self.mounts.insert(common.to_owned(), true);
        for path in &paths {
            self.protect(common, path)?;
        }
        self.protect_repository(common, Path::new(""))?;
        // Last: what is the worktree's own was taken for another's.
        self.mounts.insert(own.to_owned(), true);
        let names = ["commondir", "gitdir", "config.worktree", "modules"];
        for name in names {
            self.protect(own, Path::new(name))?;
        }
        // A worktree has none of these.
        let is_common = |path: &Path| path.starts_with("hooks") || path == Path::new("config");
        for path in paths.into_iter().filter(|path| !is_common(path)) {
            self.protect(own, path)?;
        }
        Ok(())
    }

    /// One that is at `path` below `root`.
    pub(super) fn protect_repository(&mut self, root: &Path, path: &Path) -> Result<(), Error> {
        for name in git::OF_GIT {
            self.protect(root, &path.join(name))
                .map_err(|error| error.instead(OF_GIT))?;
        }
        let all = path.join("worktrees");
        let worktrees = git::worktrees(&root.join(path));
        let left = self.most.saturating_sub(self.mounts.len());
        let mut names = worktrees.iter().filter_map(|path| path.file_name());
        // Also where one is a link, or their names are too long.
        if worktrees.len() > left.min(WORKTREES)
            || !names.all(|name| self.protect(root, &all.join(name)).is_ok())
        {
            self.protect(root, &all)
                .map_err(|error| error.instead(OF_GIT))?;
            self.notes.push(format!(
                "`{}` has too many places to protect, or one that cannot be, and is closed as a whole: in the room git neither adds nor removes worktrees. `git worktree prune` removes those that are gone",
                shown(&root.join(&all))
            ));
        }
        Ok(())
    }

    /// The workspace's own files that git runs, or reads settings from, because somebody said so.
    fn protect_named(&mut self, root: &Path, workspace: &Path, home: &Home) -> Result<(), Error> {
        let names = git::named(root, workspace, home);
        if !names.complete {
            self.notes.push(format!(
                "git's settings for `{}` are too large to be read: hooks, programs and other settings that they name may not be protected. `git config --list --show-origin` tells what is where",
                shown(root)
            ));
        }
        for named in names.named {
            let done = self.protect_as(workspace, &named.path, named.is_read);
            match done.map_err(|error| error.instead(BY_SETTINGS)) {
                // A program is often a link, such as those of `node_modules/.bin`.
                Err(error @ Error::Protected { .. }) if !named.is_silent => {
                    self.notes.push(format!(
                        "git was told to run it, and {error}: {}",
                        error.next_step()
                    ));
                }
                done => done?,
            }
        }
        Ok(())
    }
}
