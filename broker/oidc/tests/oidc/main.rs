//! Logins against providers: our own, honest and lying, and two that are not ours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "what fails here is a failed test"
)]

mod browser;
mod grace;
mod login;
mod logout;
mod providers;
mod renewal;
mod transport;
mod waiting;
mod world;
