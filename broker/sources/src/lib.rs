//! Where short-lived tokens come from: one module per source kind, each with the same two questions,
//! obtain and revoke.
//!
//! Call [`install`] at the top of `main`: checking a token needs it.

mod crypto;
mod kept;
mod keys;
mod registry;
mod signed;

pub use crypto::install;
pub use kept::KeptSource;
pub use keys::{SigningKeys, SigningPlan};
pub use registry::Registry;
pub use signed::{Actor, Claims, SignedSource, SubjectId, Unverified, Verifier};
