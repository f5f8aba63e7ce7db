//! Reviewers against servers and programs that behave badly, and against what agents say to them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here is a failed test"
)]

mod chat;
mod command;
mod contract;
mod injection;
mod world;
