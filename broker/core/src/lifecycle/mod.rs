//! How sessions begin, change and end. The pure transitions are in [`crate::Session`]; here each is
//! made durable, shown to every door and, where it takes authority away, cut through to the wire.

mod admin;
mod change;
mod enter;
mod follow;
mod hold;
mod lock;
mod restore;
mod start;

pub use admin::{Authority, RevokeReport, RevokeTarget, RevokedSession, authority, list, revoke};
pub use change::end;
pub use enter::enter;
pub use follow::SessionsFollowLogins;
pub(crate) use hold::hold;
pub use hold::resume;
pub use lock::{admin_lock, admin_unlock, lock, unlock};
pub use restore::{expire_due, restore};
pub use start::{StartSession, start};
