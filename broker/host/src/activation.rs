//! Sockets from the service manager, and word back to it.

use std::{env, io, os::unix::net::UnixListener};

use listenfd::ListenFd;
use sd_notify::NotifyState;

/// The sockets that the service manager opened before it started this process (`sd_listen_fds(3)`).
/// Empty where there is no service manager.
pub struct Activated {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Activated {
    /// Takes them over. They come once: what they were called in the environment is removed from it,
    /// so call this before there is a second thread.
    pub fn take() -> Self {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mine = env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        Self {
            // Without `LISTEN_PID` the descriptors could be anybody's.
            sockets: if mine {
                ListenFd::from_env()
            } else {
                ListenFd::empty()
            },
            names: names.split(':').map(str::to_owned).collect(),
        }
    }

    /// The listening Unix socket called `name` (`FileDescriptorName=`), non-blocking; `None` where
    /// there is none or it was given away already.
    ///
    /// # Errors
    /// What is called so is not a stream socket of the Unix family.
    pub fn unix(&mut self, name: &str) -> io::Result<Option<UnixListener>> {
        match self.names.iter().position(|own| own == name) {
            Some(position) => self.nth(position),
            None => Ok(None),
        }
    }

    /// The first listening Unix socket, whatever it is called, for a manager that names nothing.
    ///
    /// # Errors
    /// It is not a stream socket of the Unix family.
    pub fn first_unix(&mut self) -> io::Result<Option<UnixListener>> {
        self.nth(0)
    }

    fn nth(&mut self, position: usize) -> io::Result<Option<UnixListener>> {
        let listener = self.sockets.take_unix_listener(position)?;
        if let Some(listener) = &listener {
            listener.set_nonblocking(true)?;
        }
        Ok(listener)
    }
}

/// Tells the service manager that every door is open (`sd_notify(3)`). Does nothing without one.
///
/// # Errors
/// The manager's socket does not take the message. The broker works all the same.
pub fn notify_ready() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready])
}

/// Tells the service manager that the broker is on its way out. Does nothing without one.
///
/// # Errors
/// As [`notify_ready`].
pub fn notify_stopping() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping])
}
