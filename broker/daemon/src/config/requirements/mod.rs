//! The admin's requirements: they win over the user's configuration, field by field, and the user is
//! told of each value that they replaced.
//!
//! Where to read on: `at` says where they lie, `trusted` from whom they are taken, `origin` how they
//! are read and how a signed bundle is verified, `file` what they may say, `apply` how each field wins.

mod apply;
mod at;
mod file;
mod force;
mod origin;
mod told;
mod trusted;

#[cfg(test)]
mod tests;

pub use at::RequirementsAt;
use force::Replaced;
pub(crate) use force::RequirementsInForce;

pub(super) use apply::apply;
pub(super) use file::{Mode, Requirements};
pub(super) use origin::{Origin, find};
pub(super) use trusted::changeable;
