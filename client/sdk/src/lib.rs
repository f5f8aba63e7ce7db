//! The Rust client of the Valetkey broker.
//!
//! [`Agent`] is for processes inside a session: it asks for short-lived tokens through the session's
//! own socket, keeps them until they are near their end, and drops them when the session is taken
//! back. [`Control`] is for the developer who owns the broker and for admins.
//!
//! ```no_run
//! use valetkey_sdk::{Agent, TokenRequest};
//!
//! # async fn example() -> Result<(), valetkey_sdk::Error> {
//! let agent = Agent::from_env().await?;
//! let token = agent
//!     .token(&TokenRequest::new("deploy").scope("deploy:read"))
//!     .await?;
//! let header = format!("Bearer {}", token.value().reveal());
//! # drop(header);
//! # Ok(())
//! # }
//! ```
//!
//! Every call has a deadline; [`deadline`] lists them. Every failure is an [`Error`] with a code of
//! the table that broker and command line share.

mod agent;
mod cache;
mod channel;
mod clock;
mod control;
pub mod deadline;
mod decisions;
mod error;
mod events;
mod handover;
mod socket;
mod token;

pub use agent::{Agent, SessionWatch};
pub use control::{Control, Developer};
pub use error::Error;
pub use events::Events;
pub use handover::{Handover, Room, hand_over};
pub use token::{AccessToken, Token, TokenRequest};
pub use valetkey_codes::{Code, Exit, Retry};
pub use valetkey_wire as wire;
