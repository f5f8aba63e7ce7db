//! Sessions in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use valetkey_core::{
    Event, Lease, Session, SessionId, SessionState,
    ports::{Answer, LedgerError, SessionFilter, Sessions},
    record::SealedRecord,
};

use super::ledger::MemoryLedger;

/// Keeps sessions in a map, and their records in a [`MemoryLedger`].
pub struct MemorySessions {
    ledger: Arc<MemoryLedger>,
    sessions: Mutex<BTreeMap<SessionId, Arc<Session>>>,
}

impl MemorySessions {
    /// Sessions whose changes are recorded in `ledger`, and which decide what `ledger` accepts.
    pub fn new(ledger: Arc<MemoryLedger>) -> Self {
        Self {
            ledger,
            sessions: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions for MemorySessions {
    fn load(&self, id: SessionId) -> Option<Arc<Session>> {
        self.lock().get(&id).cloned()
    }

    fn save(&self, session: Session, record: SealedRecord) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let mut sessions = self.lock();
            let known = sessions.get(&session.id);
            if known.is_some_and(|known| known.state.is_final()) {
                return Err(LedgerError::SessionGone);
            }
            let stored = self.ledger.store_change(session.id, &session.state, record);
            if stored.is_ok() || session.state != SessionState::Active {
                sessions.insert(session.id, Arc::new(session));
            }
            stored
        })
    }

    fn list(&self, filter: SessionFilter) -> Answer<'_, Result<Vec<Arc<Session>>, LedgerError>> {
        Box::pin(async move {
            let sessions = self.lock();
            let newest_first = sessions.values().rev().cloned();
            Ok(match filter {
                SessionFilter::Live => newest_first.filter(|s| !s.state.is_final()).collect(),
                SessionFilter::LiveOfUser(user) => newest_first
                    .filter(|s| !s.state.is_final() && s.user.id == user)
                    .collect(),
                SessionFilter::Recent(limit) => newest_first.take(limit as usize).collect(),
            })
        })
    }

    fn leases(
        &self,
        session: SessionId,
        unix_seconds: u64,
    ) -> Answer<'_, Result<Vec<Lease>, LedgerError>> {
        Box::pin(async move {
            let records = self.ledger.records().into_iter().rev();
            Ok(records
                .filter_map(|record| match record.event {
                    Event::TokenIssued { lease, .. } => Some(lease),
                    _ => None,
                })
                .filter(|lease| lease.session == session && lease.expires > unix_seconds)
                .take(1000)
                .collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemorySessions;
    use crate::{
        contracts::{self, ledger::Books},
        fakes::ledger::MemoryLedger,
    };

    async fn books() -> Books {
        let ledger = Arc::new(MemoryLedger::default());
        Books {
            sessions: Arc::new(MemorySessions::new(Arc::clone(&ledger))),
            audit: Arc::clone(&ledger) as _,
            ledger,
            keep: Box::new(()),
        }
    }

    #[tokio::test]
    async fn the_fakes_keep_the_contract_of_the_ledger() {
        contracts::ledger::all(books).await;
    }

    #[tokio::test]
    async fn the_fakes_keep_the_contract_of_the_sessions() {
        contracts::sessions::all(books).await;
    }
}
