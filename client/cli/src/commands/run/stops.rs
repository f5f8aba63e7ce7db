//! An agent that stops itself, as editors do at Ctrl-Z: its signal reaches nobody outside of its sandbox, so the
//! shell that waits for this process would never hear of it.

use std::{fs, time::Duration};

use rustix::process::{Signal, getpid, kill_process};

use super::signals::in_foreground;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How long it stays stopped until that counts: what is typed stops this process too, and what wakes both wakes
/// one of them first.
const FIRMLY: Duration = Duration::from_millis(50);

/// Ready when the process is stopped while the terminal is this one's. Cancel safe.
pub(super) async fn stopped(process: u32) {
    loop {
        tokio::time::sleep(EVERY).await;
        if in_foreground() && is_stopped(process) {
            tokio::time::sleep(FIRMLY).await;
            if is_stopped(process) {
                return;
            }
        }
    }
}

/// Stops this process as well, until its shell wakes it. Returns at once where there is no such shell: the kernel
/// stops nobody then who could not be woken.
pub(super) fn stop_too() {
    // It is our own process.
    let _ = kill_process(getpid(), Signal::TSTP);
}

/// `proc_pid_stat(5)`: the state comes after the name, in which anything may stand.
fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|rest| rest.starts_with('T'))
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt as _,
        process::{Command, Stdio},
    };

    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

    use super::is_stopped;

    #[test]
    fn who_is_stopped_is_seen() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(!is_stopped(child.id()));
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(is_stopped(child.id()));
        kill_process(pid, Signal::KILL).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(!is_stopped(child.id()));
    }
}
