//! Why there is no room, in words for whoever asked for one.

use std::{io, path::Path};

/// No room could be made, or what was asked of it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody to make the room.
    #[error(
        "bubblewrap was expected at /usr/bin/bwrap or in a folder of PATH that only root can change"
    )]
    BwrapMissing,
    /// An old one, without the options that a room needs.
    #[error("bubblewrap 0.8 or later was expected, and `{0}` was found")]
    BwrapTooOld(String),
    /// A folder that no room may show.
    #[error("`{path}` cannot be shown in a sandbox: {why}")]
    Place {
        /// The folder, as it was given.
        path: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        next_step: &'static str,
    },
    /// A path that cannot be kept from being changed.
    #[error("`{path}` cannot be protected: {why}")]
    Protected {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        next_step: &'static str,
    },
    /// A value that does not fit what it is for.
    #[error("the sandbox was asked for with {0}")]
    Plan(&'static str),
    /// Bubblewrap or what ran inside ended before the room was closed.
    #[error("the sandbox could not be made: {said}")]
    Start {
        /// What they said.
        said: String,
    },
    /// A layer is missing that the profile needs.
    #[error("the profile needs {0}, which this kernel does not offer")]
    Layer(&'static str),
    /// The agent's program did not start.
    #[error("`{name}` could not be started in the sandbox: {said}")]
    Command {
        /// The program.
        name: String,
        /// What the kernel said.
        said: String,
        /// As a shell has it: 127 where there is no such program, 126 where it cannot be run.
        status: i32,
    },
    /// The operating system refused something.
    #[error("{what} failed: {source}")]
    Os {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::BwrapMissing => "install the package `bubblewrap`",
            Self::BwrapTooOld(_) => "upgrade the package `bubblewrap` to 0.8 or later",
            Self::Place { next_step, .. } | Self::Protected { next_step, .. } => next_step,
            Self::Plan(_) => "correct the profile",
            Self::Start { .. } => "see what `valetkey doctor` says about the sandbox",
            Self::Layer(_) => {
                "boot a kernel that has it (`lsm=` names it), or let the profile do without"
            }
            Self::Command { .. } => {
                "see that the program is below /usr, /opt or the workspace; or let the profile show its folder as `readable`, and call the program by its whole path"
            }
            Self::Os { .. } => {
                "try again; if it repeats, see what `valetkey doctor` says about the sandbox"
            }
        }
    }

    pub(crate) fn place(path: &Path, why: impl Into<String>, next_step: &'static str) -> Self {
        Self::Place {
            path: shown(path),
            why: why.into(),
            next_step,
        }
    }

    pub(crate) fn protected(path: &Path, why: impl Into<String>, next_step: &'static str) -> Self {
        Self::Protected {
            path: shown(path),
            why: why.into(),
            next_step,
        }
    }

    /// Something protected that is a link.
    pub(crate) fn link(path: &Path) -> Self {
        Self::protected(
            path,
            "it is a symbolic link, and who changes the link changes what is behind it",
            "replace the link by what it leads to, or use a profile whose workspace is `open`",
        )
    }

    /// For what no profile names: the profile is not to blame.
    pub(crate) fn instead(self, next_step: &'static str) -> Self {
        match self {
            Self::Protected { path, why, .. } => Self::Protected {
                path,
                why,
                next_step,
            },
            other => other,
        }
    }
}

/// For `map_err`: what was tried.
pub(crate) fn os<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Os {
        what,
        source: source.into(),
    }
}

/// A path without what could paint a terminal.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// Text of somebody else's without what could paint a terminal.
pub(crate) fn printable(text: &str) -> String {
    // Replaced and not left out: without it a path would be another's.
    text.replace(char::is_control, "\u{fffd}")
}

/// The program inside could not close the room. Whoever started it has been told where there is still
/// somebody to tell; all that is left is to end.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox could not be closed: {text}")]
pub struct InitError {
    text: String,
    told: bool,
}

impl InitError {
    /// For `map_err`: what was tried.
    pub(crate) fn at<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::new(format!("{what}: {error}"))
    }

    pub(crate) fn new(text: impl Into<String>) -> Self {
        let (text, told) = (text.into(), false);
        Self { text, told }
    }

    /// Whoever started it has been told, and will say so.
    pub(crate) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// Whether whoever started it has been told.
    pub const fn was_told(&self) -> bool {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::shown;

    #[test]
    fn what_could_paint_a_terminal_leaves_a_mark() {
        assert_eq!(shown(Path::new("/de\u{1}p")), "/de\u{fffd}p");
        assert_ne!(shown(Path::new("/a\nb")), shown(Path::new("/ab")));
    }
}
