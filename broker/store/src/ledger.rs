//! The port that records.

use valetkey_core::{
    ports::{Answer, Ledger, LedgerError, Receipt},
    record::SealedRecord,
};

use crate::{Store, job::Change};

impl Ledger for Store {
    fn record(&self, record: SealedRecord) -> Answer<'_, Result<Receipt, LedgerError>> {
        Box::pin(async move {
            let digest = record.digest();
            let sequence = self.queue.store(Change::Record(record)).await?;
            Ok(Receipt::new(sequence, digest))
        })
    }
}
