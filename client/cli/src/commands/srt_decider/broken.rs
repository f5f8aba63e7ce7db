//! Why the talk with the proxy ends before the proxy ends it.

use std::{fmt, io};

use valetkey_sdk::{Code, Error};

use crate::failure::Failure;

/// What the proxy did that the protocol does not know, or how its stream failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// The stream.
    Stream(io::Error),
    /// A rule of the protocol.
    Rule(&'static str),
    /// The protocol is another version of it.
    Version(u64),
}

impl Broken {
    /// Whether the proxy has only gone, with answers unread.
    pub(super) fn is_end(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        matches!(self, Self::Stream(error) if matches!(error.kind(), BrokenPipe | ConnectionReset))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the proxy cannot be spoken to: {error}"),
            Self::Rule(rule) => write!(f, "the proxy broke the decider protocol: {rule}"),
            Self::Version(version) => write!(
                f,
                "the proxy speaks version {version} of the decider protocol, and version 1 was expected"
            ),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        let step = "use a version of sandbox-runtime whose `srt-proxy` speaks version 1 of the decider protocol";
        Error::new(Code::InvalidRequest, broken.to_string())
            .with_next_step(step)
            .into()
    }
}
