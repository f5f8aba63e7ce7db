//! How much a look may cost in all: an agent may have made what is looked at.

use std::path::Path;

use crate::git;

/// What it takes to open a file, as if so many bytes were read.
const FILE: u64 = 1024;
/// What it takes to read the name of one.
pub(super) const NAME: u64 = 64;

/// In bytes.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    pub(super) const fn of(bytes: u64) -> Self {
        Self(bytes)
    }

    pub(super) const fn left(&self) -> u64 {
        self.0
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.0 == 0
    }

    pub(super) const fn spend(&mut self, bytes: u64) {
        self.0 = self.0.saturating_sub(bytes);
    }

    /// As [`git::bounded`]. Of what is small, so that it is not left half read: it is for those who look at many to ask
    /// whether there is more to spend.
    pub(super) fn read(&mut self, path: &Path, limit: u64) -> Option<Vec<u8>> {
        let bytes = git::bounded(path, limit);
        self.spend(FILE + bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
        bytes
    }
}
