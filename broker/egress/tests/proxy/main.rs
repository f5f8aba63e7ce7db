//! The proxy through its own listener, against real origins on loopback.

mod client;
mod cut;
mod gate;
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
