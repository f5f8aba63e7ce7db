//! How a command fails: with a row of the table of codes, words for this case and a next step.

use std::io;

use valetkey_sdk::{Code, Error, Exit};

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be told.
    Told(Error),
    /// The reader of standard output has gone; there is nobody left to tell.
    ReaderGone,
}

impl Failure {
    /// The command was not given what it needs.
    pub(crate) fn usage(message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::Told(Error::new(Code::InvalidRequest, message).with_next_step(next_step))
    }

    /// Something on this side of the socket went wrong.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::Told(Error::new(Code::Internal, message).with_next_step("try again"))
    }

    /// The exit status. A reader that has gone has not read it all, so what was asked for was not
    /// wholly done: a ledger with a fault must not pass because its report was cut short.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Told(error) => error.code.row().exit,
            Self::ReaderGone => Exit::Failure,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::Told(
            Error::new(
                Code::Internal,
                format!("standard output cannot be written: {error}"),
            )
            .with_next_step("look at where the output goes: a full disk, a closed file"),
        )
    }
}
