//! The binary as its users run it, against a broker with scripted answers: arguments, standard input,
//! standard output, standard error, exit status.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod admin;
mod agent;
mod approvals;
mod bad_days;
mod developer;
mod doors;
mod grid;
mod locks;
mod login;
mod policies;
mod run;
mod stub;
mod terminal;
mod watch;
