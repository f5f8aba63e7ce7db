//! The use cases of the core against the fakes: what is refused, what is recorded, and in which order.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod answering;
mod asking;
mod authority;
mod between;
mod broken;
mod carrying;
mod doors;
mod flow;
mod follow;
mod grants;
mod ledger;
mod lifetimes;
mod locks;
mod passage;
mod people;
mod refusals;
mod remembered;
mod replayed;
mod reviewing;
mod revoke;
mod rooms;
mod sessions;
mod source;
mod standing;
mod trial;
mod words;
mod world;
