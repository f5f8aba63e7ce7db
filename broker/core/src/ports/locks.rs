//! The locks of the machine.

use super::{Answer, LedgerError};
use crate::{Lock, LockHolder, Locked, record::SealedRecord};

/// Locks, durable, and at hand.
pub trait Locks: Send + Sync {
    /// What is held. From memory, without blocking.
    fn held(&self) -> Locked;

    /// Takes or lifts one holder's lock, with its record, in one durable step. Taking one is shown
    /// before the disk is asked and holds even where that fails, until the broker stops; lifting one is
    /// shown afterwards. No token's record is stored after the record that took a lock.
    fn set(
        &self,
        holder: LockHolder,
        lock: Option<Lock>,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), LedgerError>>;
}
