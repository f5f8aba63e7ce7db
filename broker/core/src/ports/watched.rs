//! What only the broker's own process can look at: a copy of the ledger, the file that it was configured by.

use crate::doctor::Finding;

/// One such thing. It makes nobody wait.
pub trait Watched: Send + Sync {
    /// How it is doing.
    fn finding(&self) -> Finding;
}
