//! Who is at the other end of a Unix socket.
//!
//! A process id is a number that is given away again; a pidfd is a process. So facts are read by
//! number, and then the pidfd is asked whether the process still lives: only then were they its own.

mod executable;
mod process;

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::{Component, Path},
};

use nix::{
    errno::Errno,
    sys::socket::{getsockopt, sockopt},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use valetkey_core::{
    Caller, Pins,
    ports::{CallerError, Callers, Mismatch},
};

use executable::Executables;

/// Facts from the kernel, by `SO_PEERCRED`, `SO_PEERPIDFD` and `/proc`.
///
/// They describe the process that *connected* (or, for a socket pair, that made it). A descriptor
/// that it hands on or that a child inherits keeps its maker's identity.
#[derive(Debug, Default)]
pub struct KernelCallers {
    executables: Executables,
}

impl Callers for KernelCallers {
    fn identify(&self, socket: BorrowedFd<'_>) -> Result<Caller, CallerError> {
        let peer = getsockopt(&socket, sockopt::PeerCredentials).map_err(io::Error::from)?;
        let pid = Pid::from_raw(peer.pid()).ok_or_else(|| {
            io::Error::other("it is in a pid namespace that cannot be seen from here")
        })?;
        let pidfd = match getsockopt(&socket, sockopt::PeerPidfd) {
            Ok(pidfd) => pidfd,
            // Linux before 6.5.
            Err(Errno::ENOPROTOOPT) => open_by_number(pid)?,
            // Reaped; newer kernels give a pidfd even then.
            Err(Errno::ESRCH | Errno::EINVAL) => return Err(CallerError::Gone),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let started = process::started(peer.pid());
        if !runs(&pidfd)? {
            return Err(CallerError::Gone);
        }
        Ok(Caller {
            uid: peer.uid(),
            pid: peer.pid(),
            started: started?,
            pidfd,
        })
    }

    fn describe(&self, pid: i32) -> Result<(Caller, u64), CallerError> {
        let number = Pid::from_raw(pid).ok_or(CallerError::Gone)?;
        let pidfd = open_by_number(number)?;
        let (uid, started, namespace) = (
            process::uid(pid),
            process::started(pid),
            process::pid_namespace(pid),
        );
        if !runs(&pidfd)? {
            return Err(CallerError::Gone);
        }
        let caller = Caller {
            uid: uid?,
            pid,
            started: started?,
            pidfd,
        };
        Ok((caller, namespace?))
    }

    fn alive(&self, caller: &Caller) -> bool {
        let same = process::started(caller.pid).is_ok_and(|ticks| ticks == caller.started);
        same && runs(&caller.pidfd).unwrap_or(false)
    }

    fn satisfies(&self, caller: &Caller, pins: &Pins) -> Result<(), Mismatch> {
        if let Some(pinned) = &pins.executable_sha256 {
            let digest = self.executables.digest(caller.pid);
            if digest.map_err(|_| Mismatch::Unknown)? != *pinned {
                return Err(Mismatch::Executable);
            }
        }
        if let Some(pinned) = pins.pid_namespace {
            let namespace = process::pid_namespace(caller.pid).map_err(|_| Mismatch::Unknown)?;
            if namespace != pinned {
                return Err(Mismatch::Namespace);
            }
        }
        if let Some(pinned) = &pins.cgroup {
            let cgroup = process::cgroup(caller.pid).map_err(|_| Mismatch::Unknown)?;
            if !within(&cgroup, Path::new(pinned)) {
                return Err(Mismatch::Cgroup);
            }
        }
        if self.alive(caller) {
            Ok(())
        } else {
            Err(Mismatch::Unknown)
        }
    }
}

/// The PID namespace that this process is in, as an inode; 0, which is nowhere, where `/proc` does not say.
pub fn pid_namespace() -> u64 {
    process::pid_namespace(std::process::id().cast_signed()).unwrap_or_default()
}

/// For kernels without `SO_PEERPIDFD`. Between connecting and here the peer may have ended and its
/// number been given away; `valetkey doctor` says so on such a kernel.
fn open_by_number(pid: Pid) -> Result<OwnedFd, CallerError> {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(pidfd),
        Err(rustix::io::Errno::SRCH) => Err(CallerError::Gone),
        Err(error) => Err(CallerError::Kernel(error.into())),
    }
}

/// Whether the process behind `pidfd` has not ended. A pidfd becomes readable when its process
/// becomes a zombie (`pidfd_open(2)`).
fn runs(pidfd: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(rustix::io::retry_on_intr(|| poll(&mut fds, Some(&at_once)))? == 0)
}

/// Whether `cgroup` is `pinned` or below it, by whole names. The kernel shows what lies outside the
/// broker's own cgroup namespace with `..`, which is within nothing.
fn within(cgroup: &Path, pinned: &Path) -> bool {
    let plain = |path: &Path| {
        path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
    };
    plain(cgroup) && plain(pinned) && cgroup.starts_with(pinned)
}

#[cfg(test)]
mod tests;
