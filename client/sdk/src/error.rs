//! One error type: what went wrong, and what to do next.

use std::{error::Error as _, io, path::Path};

use tonic::{Code as Grpc, Status, TimeoutExpired};
use valetkey_wire::metadata;

use crate::Code;

/// Why a call failed.
///
/// The texts come from the broker, which passes on what agents and servers wrote: show them to a
/// person only after control characters were taken out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// Which row of the table of codes this is. Whether trying again can help, and the exit status
    /// of a command that fails with it, are columns of that row.
    pub code: Code,
    /// One sentence, in lower case.
    pub message: String,
    /// What to do next.
    pub next_step: String,
    /// The request's id in the broker's ledger, where it has one.
    pub request: Option<String>,
    /// The approval that it is about: with [`Code::ApprovalPending`] the question that waits.
    pub approval: Option<String>,
}

impl Error {
    /// `code` with the table's own words.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.row().text)
    }

    /// `code` with a message of its own and the table's next step; for what is found out on this
    /// side of the socket.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next_step: code.row().next_step.to_owned(),
            request: None,
            approval: None,
        }
    }

    /// The same with another next step.
    #[must_use]
    pub fn with_next_step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = next_step.into();
        self
    }

    /// The socket at `path` could not be opened.
    pub(crate) fn connect(path: &Path, cause: &tonic::transport::Error) -> Self {
        let shown = shown(path);
        let message = match find::<io::Error>(cause).map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => format!("there is no socket at `{shown}`"),
            Some(io::ErrorKind::ConnectionRefused) => format!("nobody listens at `{shown}`"),
            Some(io::ErrorKind::PermissionDenied) => format!("opening `{shown}` is not allowed"),
            _ => format!("the socket `{shown}` cannot be opened"),
        };
        Self::new(Code::BrokerUnreachable, message)
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let text = |key| {
            let value = status.metadata().get(key)?.to_str().ok()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        let named = text(metadata::CODE).and_then(|id| Code::from_id(&id));
        // Only a status that was made on this side has a source: the connection broke, or tonic's
        // own watch over the deadline was a moment faster than ours.
        let source = status.source().filter(|_| named.is_none());
        let late = source.is_some_and(|source| find::<TimeoutExpired>(source).is_some());
        let broken = source.is_some() && !late;
        let code = match named {
            Some(code) => code,
            None if late => Code::DeadlineExceeded,
            None if broken => Code::BrokerUnreachable,
            None => nearest(status.code()),
        };
        let message = if broken {
            "the connection to the broker ended before its answer"
        } else if late || status.message().is_empty() {
            code.row().text
        } else {
            status.message()
        };
        Self {
            code,
            message: message.to_owned(),
            next_step: text(metadata::NEXT_STEP).unwrap_or_else(|| code.row().next_step.to_owned()),
            request: text(metadata::REQUEST),
            approval: text(metadata::APPROVAL),
        }
    }
}

/// The row for a status that names none: one of gRPC itself, or of a broker newer than this client.
fn nearest(code: Grpc) -> Code {
    match code {
        Grpc::InvalidArgument => Code::InvalidRequest,
        Grpc::OutOfRange => Code::RequestTooLarge,
        Grpc::ResourceExhausted => Code::TooManyRequests,
        Grpc::PermissionDenied => Code::Denied,
        Grpc::Unauthenticated => Code::NotLoggedIn,
        Grpc::AlreadyExists => Code::AlreadyExists,
        Grpc::DeadlineExceeded => Code::DeadlineExceeded,
        Grpc::Unavailable => Code::BrokerUnreachable,
        _ => Code::Internal,
    }
}

/// The first error of type `E` in a chain of causes.
fn find<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// A path inside a message.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use tonic::{Status, metadata::MetadataMap};
    use valetkey_wire::metadata;

    use super::{Code, Error};

    #[test]
    fn what_the_broker_names_is_kept() {
        let mut map = MetadataMap::new();
        map.insert(metadata::CODE, "session_revoked".parse().unwrap());
        map.insert(metadata::NEXT_STEP, "ask the admin".parse().unwrap());
        map.insert(metadata::REQUEST, "r-1".parse().unwrap());
        map.insert(metadata::APPROVAL, "a-1".parse().unwrap());
        let status = Status::with_metadata(tonic::Code::PermissionDenied, "it was revoked", map);
        let error = Error::from(status);
        assert_eq!(error.code, Code::SessionRevoked);
        assert_eq!(error.message, "it was revoked");
        assert_eq!(error.next_step, "ask the admin");
        assert_eq!(error.request.unwrap(), "r-1");
        assert_eq!(error.approval.unwrap(), "a-1");
    }

    #[test]
    fn what_it_leaves_out_comes_from_the_table() {
        let mut map = MetadataMap::new();
        map.insert(metadata::CODE, "keyring_locked".parse().unwrap());
        let status = Status::with_metadata(tonic::Code::FailedPrecondition, "", map);
        let error = Error::from(status);
        assert_eq!(error.message, Code::KeyringLocked.row().text);
        assert_eq!(error.next_step, Code::KeyringLocked.row().next_step);
        assert!(error.request.is_none());
    }

    #[test]
    fn a_code_of_a_newer_broker_falls_back_to_the_grpc_code() {
        let mut map = MetadataMap::new();
        map.insert(metadata::CODE, "not_known_yet".parse().unwrap());
        let status = Status::with_metadata(tonic::Code::PermissionDenied, "no", map);
        assert_eq!(Error::from(status).code, Code::Denied);
        assert_eq!(
            Error::from(Status::unimplemented("no such call")).code,
            Code::Internal
        );
    }
}
