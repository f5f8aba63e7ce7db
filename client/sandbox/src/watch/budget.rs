//! How much a look may cost in all: an agent may have made what is looked at.

use std::path::{Path, PathBuf};

use crate::git;

/// What it takes to open a file, as if so many bytes were read.
const FILE: u64 = 1024;
/// What it takes to read the name of one.
pub(super) const NAME: u64 = 64;

/// In bytes.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
    spent: u64,
}

impl Budget {
    pub(super) const fn of(bytes: u64) -> Self {
        Self {
            most: bytes,
            spent: 0,
        }
    }

    pub(super) const fn left(&self) -> u64 {
        self.most.saturating_sub(self.spent)
    }

    /// Also what was more than there is.
    #[cfg(test)]
    pub(super) const fn spent(&self) -> u64 {
        self.spent
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.left() == 0
    }

    pub(super) const fn spend(&mut self, bytes: u64) {
        self.spent = self.spent.saturating_add(bytes);
    }

    /// As [`git::bounded`]. Of what is small, so that it is not left half read: it is for those who look at many to ask
    /// whether there is more to spend.
    pub(super) fn read(&mut self, path: &Path, limit: u64) -> Option<Vec<u8>> {
        let bytes = git::bounded(path, limit);
        self.spend(FILE + bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
        bytes
    }

    /// As [`git::folder_of`].
    pub(super) fn folder_of(&mut self, path: &Path) -> Option<PathBuf> {
        let mut bytes = FILE;
        let folder = git::folder_read(path, &mut bytes);
        self.spend(bytes);
        folder
    }

    /// Where the settings and hooks of a folder of git's are, if it says so.
    pub(super) fn common_of(&mut self, folder: &Path) -> Option<PathBuf> {
        let mut bytes = FILE;
        let common = git::common_read(folder, &mut bytes);
        self.spend(bytes);
        common
    }
}
