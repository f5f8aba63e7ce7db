//! The doors over real sockets, on the fakes of the ports.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod agent;
mod answers;
mod bounds;
mod close;
mod control;
mod exchange;
mod house;
mod locks;
mod pending;
mod policies;
mod refusals;
mod stubs;
mod verifier;
mod wait;
mod watch;
mod wire;
