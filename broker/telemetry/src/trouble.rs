//! Why a sink is behind.

use std::io;

use valetkey_core::ports::LedgerError;

/// Why a sink is behind. Every one is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The system refused.
    #[error("it cannot be written: {0}")]
    System(#[from] io::Error),
    /// It is a symbolic link, a folder, a pipe.
    #[error("it is not a regular file; remove it, or name another path")]
    NotAFile,
    /// Others could change what it says.
    #[error(
        "it belongs to another user or can be written by others; run `chmod go-w` on it, or name another path"
    )]
    Exposed,
    /// What is in it was not written by a sink.
    #[error("it holds something else than ledger lines; move it away, or name another path")]
    Foreign,
    /// The ledger was replaced, or the file is of another one.
    #[error("it continues another ledger than this one; move it away, and a new copy begins")]
    OtherLedger,
    /// Somebody renamed, removed or shortened it.
    #[error("it was moved or changed by somebody else; a new copy begins")]
    Moved,
    /// The file system does not answer.
    #[error("it does not answer within {0} s; mend the disk or the mount that it is on")]
    Slow(u64),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger grew and had nothing to show for it.
    #[error("the ledger has no records to copy")]
    NoRecords,
    /// The thread that writes is gone.
    #[error("its writer is gone; restart the broker")]
    WriterGone,
}
