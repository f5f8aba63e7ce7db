//! Locks in memory.

use std::sync::Arc;

use valetkey_core::{
    Lock, LockHolder, Locked,
    ports::{Answer, LedgerError, Locks},
    record::SealedRecord,
};

use super::ledger::MemoryLedger;

/// Keeps the locks in a [`MemoryLedger`], which takes no token's record while one is held.
pub struct MemoryLocks(Arc<MemoryLedger>);

impl MemoryLocks {
    /// Locks whose changes are recorded in `ledger`.
    pub const fn new(ledger: Arc<MemoryLedger>) -> Self {
        Self(ledger)
    }
}

impl Locks for MemoryLocks {
    fn held(&self) -> Locked {
        self.0.locked()
    }

    fn set(
        &self,
        holder: LockHolder,
        lock: Option<Lock>,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move { self.0.store_lock(holder, lock, record) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryLocks;
    use crate::{
        contracts::{
            ledger::Books,
            locks::{Subject, all},
        },
        fakes::{ledger::MemoryLedger, sessions::MemorySessions},
    };

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        all(async || {
            let ledger = Arc::new(MemoryLedger::default());
            Subject {
                locks: Arc::new(MemoryLocks::new(Arc::clone(&ledger))),
                books: Books {
                    sessions: Arc::new(MemorySessions::new(Arc::clone(&ledger))),
                    audit: Arc::clone(&ledger) as _,
                    ledger,
                    keep: Box::new(()),
                },
            }
        })
        .await;
    }
}
