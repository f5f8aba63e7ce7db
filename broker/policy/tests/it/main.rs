//! The crate from outside, with policies in real files.

#![expect(clippy::expect_used, reason = "what was not expected has failed")]

mod cases;
mod contract;
mod folder;
mod lab;
mod refused;
