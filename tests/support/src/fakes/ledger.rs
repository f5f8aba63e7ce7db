//! A ledger in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use valetkey_core::{
    Approval, ApprovalId, Event, Lock, LockHolder, Locked, Record, SessionId, SessionState,
    approval::{Ending, State},
    ports::{Answer, Audit, Entry, Ledger, LedgerError, Receipt, Verification},
    record::SealedRecord,
};

/// Keeps records in a vector. It knows which sessions are active because
/// [`MemorySessions`](super::sessions::MemorySessions) tells it, and which locks are held because
/// [`MemoryLocks`](super::locks::MemoryLocks) does, and which approvals were taken back because
/// [`MemoryApprovals`](super::approvals::MemoryApprovals) does; it has no hashes to speak of.
pub struct MemoryLedger {
    inner: Mutex<Inner>,
    length: watch::Sender<u64>,
    /// Counts what changes approvals: their own changes, and sessions that take them along.
    stirred: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    records: Vec<SealedRecord>,
    /// Those that are not over, and whether each is active.
    live: BTreeMap<SessionId, bool>,
    /// The approvals that a person took back.
    taken_back: BTreeSet<ApprovalId>,
    locked: Locked,
    broken: Option<(LedgerError, Which)>,
}

/// Which records are meant.
type Which = fn(&Event) -> bool;

impl Default for MemoryLedger {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            length: watch::channel(0).0,
            stirred: watch::channel(1).0,
        }
    }
}

impl MemoryLedger {
    /// From now on every record is answered with this error, or stored again.
    pub fn break_with(&self, error: Option<LedgerError>) {
        self.lock().broken = error.map(|error| (error, (|_| true) as Which));
    }

    /// From now on the records that are meant are answered with this error, the others stored.
    pub fn break_at(&self, which: fn(&Event) -> bool, error: LedgerError) {
        self.lock().broken = Some((error, which));
    }

    /// What was recorded, oldest first.
    pub fn records(&self) -> Vec<Record> {
        let inner = self.lock();
        inner.records.iter().map(|r| r.record().clone()).collect()
    }

    /// Stores the record of a session's change. What takes away holds even where that fails.
    pub(super) fn store_change(
        &self,
        session: SessionId,
        state: &SessionState,
        record: SealedRecord,
    ) -> Result<(), LedgerError> {
        let mut inner = self.lock();
        let active = *state == SessionState::Active;
        if state.is_final() {
            inner.live.remove(&session);
            self.stir();
        } else if !active {
            inner.live.insert(session, false);
        }
        self.push(&mut inner, record)?;
        if active {
            inner.live.insert(session, true);
        }
        Ok(())
    }

    /// Stores the record of an approval's change, where its session is not over.
    pub(super) fn store_approval(
        &self,
        approval: &Approval,
        record: SealedRecord,
    ) -> Result<(), LedgerError> {
        let mut inner = self.lock();
        if !inner.live.contains_key(&approval.session) {
            return Err(LedgerError::SessionGone);
        }
        self.push(&mut inner, record)?;
        let ending = Ending::TakenBack;
        if matches!(approval.state, State::Over { ending: e, .. } if e == ending) {
            inner.taken_back.insert(approval.id);
        }
        Ok(())
    }

    /// Stores the record of a lock's change.
    pub(super) fn store_lock(
        &self,
        holder: LockHolder,
        lock: Option<Lock>,
        record: SealedRecord,
    ) -> Result<(), LedgerError> {
        let mut inner = self.lock();
        if lock.is_some() {
            *inner.locked.of(holder) = lock;
            return self.push(&mut inner, record).map(drop);
        }
        self.push(&mut inner, record)?;
        *inner.locked.of(holder) = None;
        Ok(())
    }

    pub(super) fn locked(&self) -> Locked {
        self.lock().locked.clone()
    }

    /// Whether the session is not over.
    pub(super) fn is_live(&self, session: SessionId) -> bool {
        self.lock().live.contains_key(&session)
    }

    /// Tells whoever follows approvals to look again.
    pub(super) fn stir(&self) {
        self.stirred.send_modify(|count| *count += 1);
    }

    pub(super) fn stirred(&self) -> watch::Receiver<u64> {
        self.stirred.subscribe()
    }

    fn push(&self, inner: &mut Inner, record: SealedRecord) -> Result<u64, LedgerError> {
        if let Some((error, which)) = &inner.broken
            && which(&record.record().event)
        {
            return Err(error.clone());
        }
        inner.records.push(record);
        let sequence = inner.records.len() as u64;
        self.length.send_replace(sequence);
        Ok(sequence)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn record(&self, record: SealedRecord) -> Answer<'_, Result<Receipt, LedgerError>> {
        Box::pin(async move {
            let mut inner = self.lock();
            if let Event::TokenIssued {
                lease, approval, ..
            } = &record.record().event
                && (inner.live.get(&lease.session) != Some(&true)
                    || inner.locked.any()
                    || approval.is_some_and(|taken| inner.taken_back.contains(&taken)))
            {
                return Err(LedgerError::SessionGone);
            }
            let digest = record.digest();
            let sequence = self.push(&mut inner, record)?;
            Ok(Receipt::new(sequence, digest))
        })
    }
}

impl Audit for MemoryLedger {
    fn after(&self, sequence: u64, limit: u32) -> Answer<'_, Result<Vec<Entry>, LedgerError>> {
        Box::pin(async move {
            let inner = self.lock();
            let numbered = (1u64..).zip(&inner.records);
            Ok(numbered
                .filter(|(place, _)| *place > sequence)
                .take(limit as usize)
                .map(|(sequence, record)| Entry {
                    sequence,
                    record: record.bytes().to_vec(),
                    hash: String::new(),
                })
                .collect())
        })
    }

    fn grown_beyond(&self, seen: u64) -> Answer<'_, u64> {
        let mut length = self.length.subscribe();
        Box::pin(async move {
            let grown = length.wait_for(|length| *length > seen).await;
            grown.map_or(seen, |length| *length)
        })
    }

    fn verify(&self) -> Answer<'_, Result<Verification, LedgerError>> {
        Box::pin(async move {
            Ok(Verification {
                records: self.lock().records.len() as u64,
                checkpoints: 0,
                anchored: 0,
                head: String::new(),
                faults: Vec::new(),
                unknown: Vec::new(),
            })
        })
    }
}
