//! What goes wrong with the file, in words.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use valetkey_core::{
    ports::{ApprovalError, LedgerError},
    text::printable,
};

/// Why the database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A link may point anywhere tomorrow.
    #[error("`{}` is a symbolic link; name the file itself", shown(.0))]
    Link(PathBuf),
    /// Such as a folder or a device.
    #[error("`{}` is not a regular file; move it away", shown(.0))]
    NotAFile(PathBuf),
    /// Somebody else could change the ledger.
    #[error("`{}` can be written by other users; take that from them with `chmod go-w`", shown(.0))]
    Exposed(PathBuf),
    /// Not written by Valetkey.
    #[error("`{}` is not a database of valetkey; move it away", shown(.0))]
    Foreign(PathBuf),
    /// Written by a later version.
    #[error(
        "`{}` was written by a newer valetkey (format {found}, this one knows {known}); install the newer one again",
        shown(path)
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The format of this version.
        known: i32,
    },
    /// The operating system refused.
    #[error("`{}` cannot be used: {error}", shown(path))]
    System {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database refused.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
}

impl OpenError {
    pub(crate) fn system(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::System { path, error }
    }

    /// Whether room on the disk might help.
    pub(crate) fn wants_room(&self) -> bool {
        match self {
            Self::Database(error) => wants_room(error),
            Self::System { error, .. } => error.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string(), 300)
}

/// Whether room on the disk might help. A failed write or flush counts: delayed allocation and
/// quotas report a full disk that way.
pub(crate) fn wants_room(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
    )
}

/// Whether another process holds the write lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Whether a row was there already that only the writer could have made.
pub(crate) fn is_conflict(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Why a change that is not one of an approval was not stored.
pub(crate) fn ledger_error(error: ApprovalError) -> LedgerError {
    match error {
        ApprovalError::Ledger(error) => error,
        other @ (ApprovalError::Conflict(_) | ApprovalError::Unknown) => unwritable(other),
    }
}

/// The same, for whoever waits.
pub(crate) fn unwritable(error: impl std::fmt::Display) -> LedgerError {
    LedgerError::Unwritable(error.to_string())
}
