//! Starts bubblewrap so that what is meant for the agent does not end the room.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::PathBuf,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use nix::{
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn},
    sys::{
        signal::{SigSet, Signal},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::process::{PidfdFlags, pidfd_open};

/// A running bubblewrap.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pidfd: OwnedFd,
    thread: Option<JoinHandle<i32>>,
}

impl Running {
    /// Waits until it has ended, and says how: a status, or 128 and the number of a signal. Once.
    pub(crate) fn wait(&mut self) -> io::Result<i32> {
        let thread = self.thread.take();
        thread
            .and_then(|thread| thread.join().ok())
            .ok_or_else(|| io::Error::other("nobody waits for bubblewrap"))
    }
}

/// What bubblewrap starts with.
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<CString>,
    pub(crate) stdin: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// Inherited under the numbers that they have here.
    pub(crate) inherited: Vec<OwnedFd>,
}

/// Starts it on a thread of its own, which lives until it has ended: `--die-with-parent` means the thread
/// that started it, and that of the caller may end before.
pub(crate) fn start(start: Start) -> io::Result<Running> {
    let (tell, started) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("room".into())
        .spawn(move || match spawn(start) {
            Ok((pid, pidfd)) => {
                let _ = tell.send(Ok(pidfd));
                reap(pid)
            }
            Err(error) => {
                let _ = tell.send(Err(error));
                1
            }
        })?;
    let pidfd = started
        .recv()
        .map_err(|_| io::Error::other("the thread that starts bubblewrap ended"))??;
    Ok(Running {
        pidfd,
        thread: Some(thread),
    })
}

/// Closes here what was handed over.
fn spawn(start: Start) -> io::Result<(Pid, OwnedFd)> {
    let program = CString::new(start.program.as_os_str().as_bytes())?;
    let none: [CString; 0] = [];
    let pid = posix_spawn(
        &*program,
        &actions(&start)?,
        &attributes()?,
        &start.arguments,
        &none,
    )?;
    // Nobody else reaps it, so its number cannot have become another's.
    let number = rustix::process::Pid::from_raw(pid.as_raw()).ok_or(rustix::io::Errno::SRCH)?;
    Ok((pid, pidfd_open(number, PidfdFlags::empty())?))
}

/// A terminal sends its signals to bubblewrap too, which would die of them and take the agent with it.
/// `std::process::Command` cannot be told so, and empties the mask of whatever it starts.
fn attributes() -> nix::Result<PosixSpawnAttr> {
    let mut blocked = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
    ] {
        blocked.add(signal);
    }
    // What this process ignores the agent should not: Rust ignores SIGPIPE.
    let mut default = blocked;
    default.add(Signal::SIGPIPE);
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigmask(&blocked)?;
    attributes.set_sigdefault(&default)?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
    )?;
    Ok(attributes)
}

fn actions(start: &Start) -> nix::Result<PosixSpawnFileActions> {
    let mut actions = PosixSpawnFileActions::init()?;
    for descriptor in &start.inherited {
        // Onto itself: that alone makes it one to inherit, and in the child only.
        let number = descriptor.as_raw_fd();
        actions.add_dup2(number, number)?;
    }
    actions.add_dup2(start.stdin.as_raw_fd(), 0)?;
    actions.add_dup2(start.stderr.as_raw_fd(), 2)?;
    Ok(actions)
}

fn reap(pid: Pid) -> i32 {
    loop {
        match waitpid(pid, Some(WaitPidFlag::empty())) {
            Ok(WaitStatus::Exited(_, status)) => return status,
            Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as i32,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // Somebody else took the status.
            Err(_) => return 1,
        }
    }
}
