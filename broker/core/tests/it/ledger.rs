//! A ledger that can be interfered with at one kind of record.

use std::sync::{Arc, Mutex, PoisonError};

use valetkey_core::{
    Event,
    ports::{Answer, Ledger, LedgerError, Receipt},
    record::{RecordDigest, SealedRecord},
};
use valetkey_support::fakes::ledger::MemoryLedger;

/// Which record is met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Intent,
    Outcome,
}

/// What happens to it.
pub(crate) enum Mishap {
    /// It is not stored.
    Fails(LedgerError),
    /// It is stored, and the receipt names another record.
    NamesAnother,
    /// Something else comes first.
    ComesAfter(Answer<'static, ()>),
}

/// A [`MemoryLedger`] with at most one mishap ahead of it.
pub(crate) struct CrookedLedger {
    pub(crate) straight: Arc<MemoryLedger>,
    ahead: Mutex<Option<(At, Mishap)>>,
}

impl CrookedLedger {
    pub(crate) fn new(straight: Arc<MemoryLedger>) -> Self {
        Self {
            straight,
            ahead: Mutex::new(None),
        }
    }

    /// Lets it happen, once.
    pub(crate) fn expect(&self, at: At, mishap: Mishap) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, mishap));
    }

    fn mishap_at(&self, event: &Event) -> Option<Mishap> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let met = ahead.as_ref().is_some_and(|(at, _)| match event {
            Event::TokenIntended { .. } => *at == At::Intent,
            Event::TokenIssued { .. } => *at == At::Outcome,
            _ => false,
        });
        if met {
            ahead.take().map(|(_, mishap)| mishap)
        } else {
            None
        }
    }
}

impl Ledger for CrookedLedger {
    fn record(&self, record: SealedRecord) -> Answer<'_, Result<Receipt, LedgerError>> {
        Box::pin(async move {
            match self.mishap_at(&record.record().event) {
                Some(Mishap::Fails(error)) => return Err(error),
                Some(Mishap::NamesAnother) => {
                    let receipt = self.straight.record(record).await?;
                    let other = RecordDigest::of(b"another record");
                    return Ok(Receipt::new(receipt.sequence(), other));
                }
                Some(Mishap::ComesAfter(first)) => first.await,
                None => {}
            }
            self.straight.record(record).await
        })
    }
}
