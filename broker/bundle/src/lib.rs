//! Signed bundles: a text that an admin signed with minisign, with a version that cannot roll back and
//! an end.
//!
//! Anybody may have written the bytes; only the signature counts. Reads no file and no clock: whoever
//! calls brings bytes and time.

mod bundle;
mod error;
mod key;
mod moment;

pub use bundle::{Bundle, Header, digest, not_below};
pub use error::BundleError;
pub use key::{BadKey, FleetKey};
pub use moment::{Expires, shown};
