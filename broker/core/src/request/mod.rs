//! The life of a token request, one file per state. Each state consumes the one before, so the wrong
//! order has no types to write:
//!
//! 1. [`Received`]: a caller that the kernel described, and what it asked for, unread
//! 2. [`Identified`]: the caller is one that the session was made for
//! 3. [`Judged`]: the policies have spoken: a [`Permit`], a [`Pending`] or a refusal
//! 4. [`Pending`]: an approval is needed, and one that stands is taken or a question is put
//! 5. [`Permit`]: the authority to obtain one token within its ceilings, once
//! 6. [`Issued`]: a token exists that nobody can read yet
//! 7. [`Released`]: the ledger holds its record, so it may be read
//!
//! [`crate::flow`] walks it.

mod ask;
mod identified;
mod issued;
mod judged;
mod pending;
mod permit;
mod received;
mod released;

pub use ask::{Ask, Wanted};
pub use identified::Identified;
pub use issued::Issued;
pub use judged::Judged;
pub use pending::Pending;
pub use permit::Permit;
pub use received::Received;
pub(crate) use received::admit;
pub use released::Released;
