//! Signals that are the agent's.

use std::{io, io::IsTerminal as _};

use rustix::{process::getpgrp, termios::tcgetpgrp};
use tokio::{
    signal::unix::{Signal as Stream, SignalKind, signal},
    task::{JoinError, JoinHandle},
};
use valetkey_sandbox::Signal;

/// Signals that this process gets and the agent is meant to have.
pub(super) struct Signals {
    terminate: Stream,
    hangup: Stream,
    interrupt: Stream,
    quit: Stream,
    user1: Stream,
    user2: Stream,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// One that came already, however it was sent: there was no agent yet that could have had it.
    pub(super) async fn so_far(&mut self) -> Option<Signal> {
        tokio::select! {
            biased;
            signal = self.any() => Some(signal),
            () = std::future::ready(()) => None,
        }
    }

    /// The next one to hand on; `None` for one that the agent has had already. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Signal> {
        match self.any().await {
            typed @ (Signal::INT | Signal::QUIT) => unless_typed(typed),
            sent => Some(sent),
        }
    }

    /// What comes of work that nothing stops, or the signal that asked this process to end before.
    pub(super) async fn unless_done<T>(
        &mut self,
        work: &mut JoinHandle<T>,
    ) -> Result<Result<T, JoinError>, Signal> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            signal = self.ending() => Err(signal),
        }
    }

    /// The next one that asks this process to end. Cancel safe.
    async fn ending(&mut self) -> Signal {
        loop {
            match self.any().await {
                Signal::USR1 | Signal::USR2 => {}
                signal => return signal,
            }
        }
    }

    async fn any(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.user1.recv() => Signal::USR1,
            _ = self.user2.recv() => Signal::USR2,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.quit.recv() => Signal::QUIT,
        }
    }
}

/// What is typed at a terminal goes to every process in its foreground, the agent among them.
fn unless_typed(signal: Signal) -> Option<Signal> {
    (!in_foreground()).then_some(signal)
}

/// Whether the terminal is this process's, and its agent's.
pub(super) fn in_foreground() -> bool {
    let stdin = io::stdin();
    stdin.is_terminal() && tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp())
}
