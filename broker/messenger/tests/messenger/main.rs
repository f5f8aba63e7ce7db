//! Messengers, the servers that they meet, and what comes back.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here is a failed test"
)]

mod desktop;
mod forgery;
mod webhook;
mod world;
