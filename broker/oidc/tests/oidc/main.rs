//! Logins against providers: our own, honest and lying, and two that are not ours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "what fails here is a failed test"
)]

mod browser;
mod login;
mod logout;
mod providers;
mod renewal;
mod world;
