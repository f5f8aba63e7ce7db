//! From the agent's first step to its last, and what it left.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::task::spawn_blocking;
use valetkey_sandbox::{Sandbox, Signal};
use valetkey_sdk::Code;

use super::{
    link::{Link, is_away},
    signals::Signals,
    stops, unmade,
};
use crate::{failure::Failure, output::Output};

/// Hands signals on and waits for the end. Where the session is over before, tells so, and kills the agent
/// where that is asked for.
pub(super) async fn until_it_ends(
    sandbox: &Sandbox,
    signals: &mut Signals,
    mut link: Option<Link>,
    kill_on_revoke: bool,
    output: &Output,
) -> Result<(), Failure> {
    let unwatched =
        |error: std::io::Error| Failure::local(format!("the sandbox cannot be watched: {error}"));
    let process = sandbox.pidfd().try_clone_to_owned().map_err(unwatched)?;
    // On a thread of its own, for as long as the agent lives: there is no other safe way to await it.
    let mut ended = spawn_blocking(move || wait_for(&process));
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
    // What came with the agent's end was the agent's.
    tokio::task::yield_now().await;
    while signals.so_far().await.is_some() {}
    // The room's listener goes before its session does.
    drop(link);
    Ok(())
}

/// The status of an agent that has ended. Tells what it left, as long as nobody wants to go.
pub(super) async fn left_by(
    mut sandbox: Sandbox,
    signals: &mut Signals,
    output: &Output,
) -> Result<i32, Failure> {
    let mut look = spawn_blocking(move || sandbox.wait());
    let mut looked = signals.unless_done(&mut look).await;
    // The first may have been meant for the agent too.
    if looked.is_err() {
        output.remark("the workspace is being looked through for what the agent made that git would run; another signal, or Ctrl-C, leaves it");
        looked = signals.unless_done(&mut look).await;
    }
    match looked {
        Ok(Ok(Ok(ended))) => {
            for leftover in &ended.leftovers {
                output.remark(leftover);
            }
            Ok(ended.status)
        }
        Ok(Ok(Err(error))) => Err(unmade(&error)),
        Ok(Err(error)) => Err(Failure::local(format!(
            "the workspace could not be looked through: {error}"
        ))),
        Err(signal) => {
            output.remark(
                "the workspace was not looked through to the end: before you use git in a folder of it, look for repositories that the agent made or changed",
            );
            Ok(128 + signal.as_raw())
        }
    }
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
