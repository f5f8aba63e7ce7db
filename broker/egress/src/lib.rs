//! The egress proxy: one per session, the only way out of a sandbox.
//!
//! A connection comes in at a listener inside the sandbox ([`room`]), is read strictly ([`head`]), asked
//! about ([`Gate`]), and then tunnelled, forwarded in the clear, or looked into with a certificate of the
//! session's own authority ([`connection`], [`forward`]). What goes out leaves through [`upstream`], which
//! knows where an agent has no business.

mod authority;
mod body;
mod connection;
mod egress;
mod forward;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod head;
mod intake;
mod limits;
mod porter;
mod refuse;
mod room;
mod tally;
mod upstream;

pub use egress::{Egress, Options, RoomDescription};
pub use gate::{Gate, Lenders, Loan, Sent, Used, Way};
pub use intake::Entry;
pub use limits::Limits;
pub use porter::{Network, Porter, ProxiedDoors, SessionRooms};
pub use room::Tickets;
pub use upstream::{Resolve, SystemResolver, UpstreamError};
