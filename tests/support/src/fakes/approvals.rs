//! Approvals in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use valetkey_core::{
    Approval, ApprovalId, Moment, SessionId,
    approval::State,
    ports::{Answer, ApprovalError, Approvals, Kept, LedgerError},
    record::SealedRecord,
};

use super::ledger::MemoryLedger;

/// Keeps approvals in a map, and their records in a [`MemoryLedger`], which knows the sessions that are
/// over.
pub struct MemoryApprovals {
    ledger: Arc<MemoryLedger>,
    kept: Mutex<BTreeMap<ApprovalId, Kept>>,
}

impl MemoryApprovals {
    /// Approvals whose changes are recorded in `ledger`.
    pub fn new(ledger: Arc<MemoryLedger>) -> Self {
        Self {
            ledger,
            kept: Mutex::default(),
        }
    }

    /// What a restart does: when answers were used is not known any more.
    pub fn restart(&self) {
        for kept in self.lock().values_mut() {
            kept.used = unused(&kept.approval);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ApprovalId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, approval: Approval, record: SealedRecord) -> Result<(), ApprovalError> {
        let mut kept = self.lock();
        if !self.ledger.is_live(approval.session) {
            return Err(LedgerError::SessionGone.into());
        }
        let known = kept.get(&approval.id);
        let in_the_way = if approval.revision == 1 {
            known.or_else(|| {
                kept.values()
                    .find(|other| covers(&other.approval, &approval))
            })
        } else {
            let known = known.filter(|known| known.approval.session == approval.session);
            let known = known.ok_or(ApprovalError::Unknown)?;
            (known.approval.revision + 1 != approval.revision).then_some(known)
        };
        if let Some(other) = in_the_way {
            return Err(ApprovalError::Conflict(Arc::clone(&other.approval)));
        }
        self.ledger.store_approval(&approval, record)?;
        let used = unused(&approval);
        let approval = Arc::new(approval);
        kept.insert(approval.id, Kept { approval, used });
        drop(kept);
        self.ledger.stir();
        Ok(())
    }
}

/// When an answer that was not used yet counts as used: when it was given.
fn unused(approval: &Approval) -> Moment {
    match &approval.state {
        State::Granted { at, .. } => *at,
        _ => approval.at,
    }
}

fn covers(open: &Approval, new: &Approval) -> bool {
    let asked = &new.asked;
    open.session == new.session
        && open.is_open()
        && open
            .asked
            .covers(&asked.credential, &asked.grant, asked.tier)
}

impl Approvals for MemoryApprovals {
    fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        let kept = self.lock();
        let of_live = kept
            .values()
            .filter(|kept| self.ledger.is_live(kept.approval.session));
        of_live
            .filter(|kept| session.is_none_or(|session| kept.approval.session == session))
            .cloned()
            .collect()
    }

    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>> {
        Box::pin(async move { self.store(approval, record) })
    }

    fn touch(&self, approval: ApprovalId, now: Moment) {
        if let Some(kept) = self.lock().get_mut(&approval) {
            kept.used = now;
        }
    }

    fn changed(&self, seen: u64) -> Answer<'_, u64> {
        let mut stirred = self.ledger.stirred();
        Box::pin(async move {
            let changed = stirred.wait_for(|count| *count > seen).await;
            changed.map_or(seen, |count| *count)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryApprovals;
    use crate::{
        contracts::{
            approvals::{Subject, all},
            ledger::Books,
        },
        fakes::{ledger::MemoryLedger, sessions::MemorySessions},
    };

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        all(async || {
            let ledger = Arc::new(MemoryLedger::default());
            Subject {
                approvals: Arc::new(MemoryApprovals::new(Arc::clone(&ledger))),
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
