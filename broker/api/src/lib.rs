//! The doors: what agents, developers, admins and resource servers speak to.
//!
//! - [`SessionDoors`]: one Unix socket per session, gRPC `valetkey.agent.v1` and HTTP on it
//! - [`serve_control`]: the control socket, gRPC `valetkey.developer.v1` and `valetkey.admin.v1`
//! - [`serve_verifier`]: loopback HTTP for whoever verifies the broker's own tokens
//!
//! A door translates and bounds; it decides nothing. Every connection is served the same way
//! (`serve`), every refusal is put into words in one place (`status`), and the doors do not know of
//! each other: what is offered to developers cannot be reached through a session's socket, because
//! the session's socket has no route to it.

mod agent;
mod control;
mod limits;
mod reply;
mod serve;
mod side;
mod status;
mod verifier;

pub use agent::SessionDoors;
pub use control::{About, serve_control};
pub use limits::{Limits, Pace};
pub use verifier::serve_verifier;
