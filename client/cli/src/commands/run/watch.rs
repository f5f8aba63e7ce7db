//! From the agent's first step to its last.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use valetkey_sandbox::{Ended, Sandbox, Signal};
use valetkey_sdk::Code;

use super::{
    link::{Link, is_away},
    signals::Signals,
    stops,
};
use crate::{failure::Failure, output::Output};

/// Hands signals on and waits for the end. Where the session is over before, tells so, and kills the agent
/// where that is asked for.
pub(super) async fn until_it_ends(
    sandbox: &mut Sandbox,
    mut signals: Signals,
    mut link: Option<Link>,
    kill_on_revoke: bool,
    output: &Output,
) -> Result<Ended, Failure> {
    let unwatched =
        |error: std::io::Error| Failure::local(format!("the sandbox cannot be watched: {error}"));
    let process = sandbox.pidfd().try_clone_to_owned().map_err(unwatched)?;
    // On a thread of its own, for as long as the agent lives: there is no other safe way to await it.
    let mut ended = tokio::task::spawn_blocking(move || wait_for(&process));
    loop {
        let over = async {
            match link.as_mut() {
                Some(link) => link.over(output).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ended = &mut ended => break,
            signal = signals.next() => hand_on(sandbox, signal),
            () = stops::stopped(sandbox.command_pid()) => {
                stops::stop_too();
                // Whoever wakes this process alone means both.
                hand_on(sandbox, Some(Signal::CONT));
            }
            code = over => {
                link = None;
                tell(code, kill_on_revoke, output);
                if kill_on_revoke && !is_away(code) {
                    // It ends, or it has ended.
                    drop(sandbox.kill());
                }
            }
        }
    }
    // The room's listener goes before its session does.
    drop(link);
    sandbox
        .wait()
        .map_err(|error| Failure::local(error.to_string()))
}

/// A pidfd becomes readable when its process has ended (`pidfd_open(2)`).
fn wait_for(process: &OwnedFd) {
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    while matches!(poll(&mut fds, None), Err(rustix::io::Errno::INTR)) {}
}

fn hand_on(sandbox: &Sandbox, signal: Option<Signal>) {
    if let Some(signal) = signal {
        drop(sandbox.signal(signal));
    }
}

fn tell(code: Code, kill: bool, output: &Output) {
    let what = code.row().text;
    let then = match (code, kill) {
        (code, _) if is_away(code) => {
            "what is inside goes on without network, and without tokens until the broker is back; start the agent again then"
        }
        (_, true) => "what is inside is killed",
        (_, false) => {
            "what is inside goes on without tokens and network; `--kill-on-revoke` would end it"
        }
    };
    output.remark(&format!("{what}; {then}"));
}
