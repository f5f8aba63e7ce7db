//! The proxy through its own listener, against real origins on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod again;
mod bounds;
mod client;
mod cut;
mod gate;
mod held;
mod house;
mod inject;
mod inside;
mod intake;
mod mismatch;
mod origin;
mod plain;
mod streams;
mod tunnel;
mod websocket;
