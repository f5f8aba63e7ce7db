//! Checks of the house itself: which crate may know which, how large a file may be, whether documents
//! tell the truth. Each check answers with sentences that say what is wrong and why it matters.

pub mod arrows;
pub mod clocks;
pub mod errors;
pub mod links;
pub mod lock;
pub mod proofs;
pub mod reasons;
pub mod sizes;
pub mod traces;

mod house;
mod manifest;

pub use house::House;
pub use manifest::{Dependency, Kind, Manifest};
