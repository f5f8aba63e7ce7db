//! The machine is locked and unlocked.

use valetkey_codes::Code;

use super::admin::{Authority, note_refusal};
use crate::{
    AccountName, Broker, Event, Lock, LockHolder, Record, Refusal, UserId, broker::seal,
    flow::ledger_refusal, ports::SessionFilter, text::printable,
};

/// Longest reason that is kept, in characters.
const REASON: usize = 300;

/// Locks the machine for its owner. When this returns, every session refuses, new ones included. A lock
/// that is held already stays as it is.
pub async fn lock(broker: &Broker, reason: &str) -> Result<(), Refusal> {
    take(broker, LockHolder::Owner, None, reason).await
}

/// Lifts the owner's lock, and no other.
pub async fn unlock(broker: &Broker) -> Result<(), Refusal> {
    lift(broker, LockHolder::Owner, None).await
}

/// Locks the machine for the admins, whatever its owner does.
pub async fn admin_lock(
    broker: &Broker,
    authority: &Authority,
    account: &AccountName,
    reason: &str,
) -> Result<(), Refusal> {
    let admin = admin(broker, authority, account, "lock").await?;
    take(broker, LockHolder::Admin, Some(admin), reason).await
}

/// Lifts the admins' lock.
pub async fn admin_unlock(
    broker: &Broker,
    authority: &Authority,
    account: &AccountName,
) -> Result<(), Refusal> {
    let admin = admin(broker, authority, account, "unlock").await?;
    lift(broker, LockHolder::Admin, Some(admin)).await
}

async fn admin(
    broker: &Broker,
    authority: &Authority,
    account: &AccountName,
    action: &str,
) -> Result<UserId, Refusal> {
    match authority.admin() {
        Some(user) => Ok(user.id.clone()),
        None => {
            let refusal = Refusal::new(Code::NotAdmin);
            note_refusal(broker, account, action, &refusal).await?;
            Err(refusal)
        }
    }
}

async fn take(
    broker: &Broker,
    holder: LockHolder,
    by: Option<UserId>,
    reason: &str,
) -> Result<(), Refusal> {
    let mut held = broker.ports.locks.held();
    if held.of(holder).is_some() {
        return Ok(());
    }
    let lock = Lock {
        by,
        reason: printable(reason, REASON),
        since: broker.now().unix_ms,
    };
    let event = Event::MachineLocked {
        holder,
        lock: lock.clone(),
    };
    set(broker, holder, Some(lock), event).await
}

async fn lift(broker: &Broker, holder: LockHolder, by: Option<UserId>) -> Result<(), Refusal> {
    let mut held = broker.ports.locks.held();
    if held.of(holder).is_none() {
        return Ok(());
    }
    set(broker, holder, None, Event::MachineUnlocked { holder, by }).await
}

async fn set(
    broker: &Broker,
    holder: LockHolder,
    lock: Option<Lock>,
    event: Event,
) -> Result<(), Refusal> {
    let record = seal(Record {
        at: broker.now().unix_ms,
        request: None,
        session: None,
        event,
    })?;
    let stored = broker.ports.locks.set(holder, lock, record).await;
    // Whoever watches a session learns of it; where the disk refused, a lock holds all the same.
    if let Ok(live) = broker.ports.sessions.list(SessionFilter::Live).await {
        let doors = &broker.ports.doors;
        let changed: Vec<_> = live
            .iter()
            .map(|session| doors.changed(session.id))
            .collect();
        for changed in changed {
            changed.await;
        }
    }
    stored.map_err(|error| ledger_refusal(&error))
}
