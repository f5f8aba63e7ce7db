//! Who asks: the process at the other end of a connection, as the kernel describes it.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

/// The facts that the kernel vouches for, read before any byte of the peer was.
///
/// A session's socket is bind-mounted into its sandbox, and the kernel then still shows the outer
/// uid and pid: they tell users apart, not agents. What tells agents apart is the socket itself and,
/// where pinned, the executable and the cgroup.
#[derive(Debug)]
pub struct Caller {
    /// Effective user id.
    pub uid: u32,
    /// Process id in the broker's namespace.
    pub pid: i32,
    /// Start time of the process, in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub started: u64,
    /// Refers to this very process, even after its number is given to another.
    pub pidfd: OwnedFd,
}

/// What a session's callers must be, beside being of the right user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// SHA-256 of the executable that may ask, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable_sha256: Option<String>,
    /// The cgroup (version 2 path, as in `/proc/PID/cgroup`) that the caller is in or below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The PID namespace that the caller is in: the inode of `/proc/PID/ns/pid`. While the sandbox is
    /// being made it is [`Pins::NOWHERE`], which nobody is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_namespace: Option<u64>,
}

impl Pins {
    /// No namespace has this inode.
    pub const NOWHERE: u64 = 0;

    /// Whether nothing is pinned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
