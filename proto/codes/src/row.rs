//! One row of the table, and the columns that are not exit status or retry hint.

use crate::{Exit, Retry};

/// The canonical gRPC status codes that the table uses, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Grpc {
    /// `INVALID_ARGUMENT`
    InvalidArgument = 3,
    /// `DEADLINE_EXCEEDED`
    DeadlineExceeded = 4,
    /// `NOT_FOUND`
    NotFound = 5,
    /// `ALREADY_EXISTS`
    AlreadyExists = 6,
    /// `PERMISSION_DENIED`
    PermissionDenied = 7,
    /// `RESOURCE_EXHAUSTED`
    ResourceExhausted = 8,
    /// `FAILED_PRECONDITION`
    FailedPrecondition = 9,
    /// `INTERNAL`
    Internal = 13,
    /// `UNAVAILABLE`
    Unavailable = 14,
    /// `UNAUTHENTICATED`
    Unauthenticated = 16,
}

/// How loudly the broker logs an answer with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Needs a look by whoever runs the broker.
    Error,
    /// Something outside is wrong.
    Warn,
    /// Ordinary life.
    Info,
}

/// Everything that is known about one code.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Stable text id: what programs compare.
    pub id: &'static str,
    /// gRPC status code.
    pub grpc: Grpc,
    /// HTTP status.
    pub http: u16,
    /// OAuth 2.0 `error` value at the RFC 8693 door (RFC 6749 section 5.2, RFC 8693 section 2.2.2).
    pub oauth: &'static str,
    /// Exit status of the command line.
    pub exit: Exit,
    /// Whether asking again can help.
    pub retry: Retry,
    /// How loudly it is logged.
    pub level: Level,
    /// One sentence for whoever asked.
    pub text: &'static str,
    /// What to do next.
    pub next_step: &'static str,
}
