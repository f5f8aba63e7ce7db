//! Who is this peer, is it still alive.

use std::os::fd::BorrowedFd;

use crate::{Caller, Pins};

/// What the kernel would not say about a peer. Each is a refusal.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The process ended before it could be described.
    #[error("the peer has ended")]
    Gone,
    /// The kernel refused or lacks the call.
    #[error("the kernel did not describe the peer: {0}")]
    Kernel(#[from] std::io::Error),
}

/// Which pin the caller does not satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another executable.
    #[error("its executable is not the pinned one")]
    Executable,
    /// Another PID namespace.
    #[error("it is not in the session's sandbox")]
    Namespace,
    /// Another cgroup.
    #[error("it is not in the pinned cgroup")]
    Cgroup,
    /// It could not be looked at.
    #[error("it could not be examined")]
    Unknown,
}

/// Facts about the processes at the other end of Unix sockets. No method blocks for longer than a
/// read of `/proc`, but hashing an executable may take milliseconds the first time.
pub trait Callers: Send + Sync {
    /// Describes the peer of a connected Unix socket; called before any byte of it is read.
    fn identify(&self, socket: BorrowedFd<'_>) -> Result<Caller, CallerError>;

    /// Describes the process with this number, and the PID namespace that it is in. The number is one that
    /// somebody vouches for who has not yet waited for its end.
    fn describe(&self, pid: i32) -> Result<(Caller, u64), CallerError>;

    /// Whether it is still the same live process. A zombie is not alive.
    fn alive(&self, caller: &Caller) -> bool;

    /// Whether the caller is what the session's pins say. Liveness is asked again *after* `/proc`
    /// was read, so that facts of a process that reused the number are never used.
    fn satisfies(&self, caller: &Caller, pins: &Pins) -> Result<(), Mismatch>;
}
