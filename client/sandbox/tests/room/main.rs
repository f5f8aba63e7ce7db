//! Real rooms: what an agent sees in one, what it can change, what it cannot do, and how it ends.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails in a helper fails the test"
)]

mod calls;
mod house;
mod leftovers;
mod links;
mod network;
mod ordinary_user;
mod protected;
mod signals;
mod start;
mod steps;
mod terminal;
mod together;
mod view;
mod within;
mod worktrees;
