//! A whole terminal for a while. However the process ends, it is given back as it was.

use std::{
    io::{self, IsTerminal as _},
    panic, thread,
};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::{
        cursor::Show,
        event::{self, DisableBracketedPaste, EnableBracketedPaste, Event},
        execute,
    },
};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Keys that are typed before they are read; a paste of more is not meant for us.
const TYPED: usize = 64;

/// The terminal, until it is dropped. A panic gives it back as well, before its message is printed.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    events: mpsc::Receiver<io::Result<Event>>,
}

impl Screen {
    /// Whether a person could use one: both to read and to type.
    pub(crate) fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal.
    pub(crate) fn open() -> Result<Self, Failure> {
        let terminal = ratatui::try_init()
            .inspect_err(|_| give_back())
            .map_err(lost)?;
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            hook(panic);
        }));
        let (keys, events) = mpsc::channel(TYPED);
        let screen = Self { terminal, events };
        // A paste arrives as one event, which is no key.
        execute!(io::stdout(), EnableBracketedPaste).map_err(lost)?;
        // Reading blocks, so it has a thread of its own, which ends with the process.
        thread::spawn(move || {
            loop {
                let event = event::read();
                let last = event.is_err();
                if keys.blocking_send(event).is_err() || last {
                    break;
                }
            }
        });
        Ok(screen)
    }

    /// What was typed, or that the size has changed. Cancel safe.
    pub(crate) async fn event(&mut self) -> Result<Event, Failure> {
        match self.events.recv().await {
            Some(event) => event.map_err(lost),
            None => Err(Failure::local("the terminal is gone")),
        }
    }

    /// Draws all of it; what has not changed is not written again.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), Failure> {
        self.terminal.draw(draw).map(|_drawn| ()).map_err(lost)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// A terminal that is gone needs nothing back.
fn give_back() {
    let _ = execute!(io::stdout(), DisableBracketedPaste, Show);
    let _ = ratatui::try_restore();
}

fn lost(error: io::Error) -> Failure {
    Failure::local(format!("the terminal cannot be used: {error}"))
}
