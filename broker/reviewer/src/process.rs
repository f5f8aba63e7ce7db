//! A program that runs in a process group of its own and never outlives whoever asked.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    task::{JoinHandle, spawn_blocking},
};

/// A running program and its ends of the pipes.
pub(crate) struct Process {
    pub(crate) stdin: Sender,
    pub(crate) stdout: Receiver,
    pub(crate) stderr: Receiver,
    pub(crate) life: Life,
}

/// Keeps a program alive. Dropping it kills its whole group, but for what left the group.
pub(crate) struct Life {
    ended: JoinHandle<io::Result<ExitStatus>>,
    group: Group,
}

impl Process {
    /// Starts `program` in `/` with an environment of three variables.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(program: &Path, name: &str, arguments: &[String]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg0(name)
            .args(arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on it is killed whatever happens.
        let life = Life::of(child);
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a pipe is missing"));
        };
        Ok(Self {
            stdin: Sender::from_owned_fd(OwnedFd::from(stdin))?,
            stdout: Receiver::from_owned_fd(OwnedFd::from(stdout))?,
            stderr: Receiver::from_owned_fd(OwnedFd::from(stderr))?,
            life,
        })
    }
}

impl Life {
    fn of(child: Child) -> Self {
        let leader = Arc::new(Mutex::new(Some(Pid::from_child(&child))));
        Self {
            group: Group(Arc::clone(&leader)),
            ended: spawn_blocking(move || see_off(child, &leader)),
        }
    }

    /// How the program ended. Nothing of its group is left then.
    pub(crate) async fn end(mut self) -> io::Result<ExitStatus> {
        let status = (&mut self.ended).await.map_err(io::Error::other)?;
        drop(self.group);
        status
    }
}

/// The leader of a group, as long as its number cannot mean anybody else.
struct Group(Arc<Mutex<Option<Pid>>>);

impl Drop for Group {
    fn drop(&mut self) {
        kill(&mut held(&self.0));
    }
}

/// Waits for the leader to end without taking note of it: until somebody does, its number and its
/// group's stay theirs. So the group is killed first.
fn see_off(mut child: Child, leader: &Mutex<Option<Pid>>) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(&child);
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), end) {}
    let mut leader = held(leader);
    kill(&mut leader);
    child.wait()
}

fn kill(leader: &mut MutexGuard<'_, Option<Pid>>) {
    if let Some(pid) = leader.take() {
        // It fails only for a group that is gone.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn held(leader: &Mutex<Option<Pid>>) -> MutexGuard<'_, Option<Pid>> {
    leader.lock().unwrap_or_else(PoisonError::into_inner)
}

const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/bin:/bin"),
    ("HOME", "/nonexistent"),
    ("LANG", "C.UTF-8"),
];
