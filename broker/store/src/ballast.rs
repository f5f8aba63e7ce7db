//! Room that is kept for taking authority away on a full disk.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use valetkey_core::ports::Entropy;

/// Its size in bytes: enough for what was not copied from the WAL yet, and for [`ROOM`] in the WAL
/// and in the database.
const SIZE: usize = 2 << 20;

/// What the database takes of it, in bytes: pages for some thousand revocations.
const ROOM: i32 = 1 << 19;

/// A file of random bytes beside the database, so that no file system stores it in less room than it
/// promises. Deleted when a change that takes authority away meets a full disk; until there is room
/// to put it back, nothing else is stored.
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: Vec<u8>,
    aboard: bool,
    /// The database has its room.
    taken: bool,
}

impl Ballast {
    /// The ballast of the database at `database`. Where there is no room for it, what room there is
    /// becomes the database's at once.
    pub(crate) fn beside(database: &Path, db: &Connection, entropy: &dyn Entropy) -> Self {
        let path = path_beside(database);
        let present = fs::symlink_metadata(&path);
        let aboard = present.is_ok_and(|file| file.is_file() && file.len() == SIZE as u64);
        let mut block = vec![0; 4096];
        entropy.fill(&mut block);
        let mut ballast = Self {
            path,
            bytes: block,
            aboard,
            taken: false,
        };
        if !ballast.restore()
            && let Err(error) = ballast.spend(db)
        {
            tracing::error!(%error, "there is no room for revocations; make room on the ledger's disk");
        }
        ballast
    }

    /// Whether it is there, after an attempt to put it there if it was not.
    pub(crate) fn restore(&mut self) -> bool {
        if !self.aboard {
            self.aboard = self.write().is_ok();
            if self.aboard {
                self.taken = false;
            } else {
                // What was written of it holds room that a revocation may need.
                remove(&self.path);
            }
        }
        self.aboard
    }

    /// Gives its room to the database, which from then on writes over what is its own: somebody else
    /// may fill the disk faster than this one can revoke. Where that
    /// was done before, only the WAL begins anew.
    pub(crate) fn spend(&mut self, db: &Connection) -> rusqlite::Result<()> {
        remove(&self.path);
        restart_wal(db)?;
        self.aboard = false;
        if !self.taken {
            // Two transactions: pages that are taken and freed in one are never written.
            db.execute("INSERT INTO room VALUES (zeroblob(?1))", [ROOM])?;
            db.execute("DELETE FROM room", [])?;
            self.taken = true;
            restart_wal(db)?;
        }
        Ok(())
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

/// Copies what the WAL holds, so that it begins anew over room that it has.
fn restart_wal(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
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
