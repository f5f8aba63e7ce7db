//! What time is it.

use crate::Moment;

/// The one source of time; everything else that tells time is a disallowed method in `clippy.toml`.
pub trait Clock: Send + Sync {
    /// Both clocks, read together.
    fn now(&self) -> Moment;
}
