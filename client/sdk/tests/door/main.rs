//! The agent's client against a small tonic server on a temporary Unix socket.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agent;
mod approvals;
mod stub;
