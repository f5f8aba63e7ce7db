//! The crate from outside, with policies in real files.

mod cases;
mod contract;
mod folder;
mod refused;
