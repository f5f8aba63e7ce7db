//! The life of a token request, one file per state. Each state consumes the one before, so the wrong
//! order has no types to write:
//!
//! 1. [`Received`]: a caller that the kernel described, and what it asked for, unread
//! 2. [`Identified`]: the caller is one that the session was made for
//! 3. [`Judged`]: the policies have spoken: a [`Permit`] or a refusal
//! 4. [`Permit`]: the authority to obtain one token within its ceilings, once
//! 5. [`Issued`]: a token exists that nobody can read yet
//! 6. [`Released`]: the ledger holds its record, so it may be read
//!
//! [`crate::flow`] walks it.

mod identified;
mod issued;
mod judged;
mod permit;
mod received;
mod released;

pub use identified::Identified;
pub use issued::Issued;
pub use judged::Judged;
pub use permit::Permit;
pub(crate) use received::admit;
pub use received::{Ask, Received};
pub use released::Released;
