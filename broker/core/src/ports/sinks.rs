//! Copies of the ledger elsewhere.

use crate::doctor::Finding;

/// One copy. It follows the ledger by itself and never makes it wait.
pub trait Sink: Send + Sync {
    /// How it is doing.
    fn finding(&self) -> Finding;
}
