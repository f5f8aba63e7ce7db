//! Room that is kept for taking authority away on a full disk.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use valetkey_core::ports::Entropy;

/// Its size in bytes. A revocation alone in its transaction writes about six pages of 4 KiB to the
/// WAL, which is used over and over, so this lasts for far more than its size says.
const SIZE: usize = 1 << 20;

/// A file of random bytes beside the database, so that no file system stores it in less room than it
/// promises. Deleted when a change that takes authority away meets a full disk; until there is room
/// to put it back, nothing else is stored.
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: Vec<u8>,
    aboard: bool,
}

impl Ballast {
    /// The ballast of the database at `database`, put there if there is room.
    pub(crate) fn beside(database: &Path, entropy: &dyn Entropy) -> Self {
        let path = path_beside(database);
        let present = fs::symlink_metadata(&path);
        let aboard = present.is_ok_and(|file| file.is_file() && file.len() == SIZE as u64);
        let mut block = vec![0; 4096];
        entropy.fill(&mut block);
        let mut ballast = Self {
            path,
            bytes: block,
            aboard,
        };
        ballast.restore();
        ballast
    }

    /// Whether it is there, after an attempt to put it there if it was not.
    pub(crate) fn restore(&mut self) -> bool {
        if !self.aboard {
            self.aboard = self.write().is_ok();
            if !self.aboard {
                // What was written of it holds room that a revocation may need.
                remove(&self.path);
            }
        }
        self.aboard
    }

    /// Gives its room away.
    pub(crate) fn release(&mut self) {
        remove(&self.path);
        self.aboard = false;
    }

    fn write(&self) -> io::Result<()> {
        remove(&self.path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)?;
        for _ in 0..SIZE / self.bytes.len() {
            file.write_all(&self.bytes)?;
        }
        // Only then are the blocks really its own.
        file.sync_all()
    }
}

/// Gives the room of a ballast away before there is a writer, so that the database can be opened on
/// a full disk.
pub(crate) fn release_beside(database: &Path) {
    remove(&path_beside(database));
}

fn path_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".ballast");
    path.into()
}

fn remove(path: &Path) {
    // Where there is none, nothing is to be done; where it cannot be deleted, the next write says so.
    drop(fs::remove_file(path));
}
