//! The locks of the machine: the owner's own, and what they see of the admins'.

use valetkey_core::{Lock, LockHolder, Locked, Refusal, lifecycle};
use valetkey_wire::developer::{HeldLock, LockRequest, LockResponse, UnlockResponse};

use super::Office;

impl Office {
    pub(super) async fn lock(&self, request: &LockRequest) -> Result<LockResponse, Refusal> {
        lifecycle::lock(&self.broker, &request.reason).await?;
        Ok(LockResponse {})
    }

    /// Lifts the owner's lock. One of the admins stays, and is told of, so that nobody believes the
    /// machine to be open.
    pub(super) async fn unlock(&self) -> Result<UnlockResponse, Refusal> {
        lifecycle::unlock(&self.broker).await?;
        let held = self.broker.ports.locks.held().admin;
        let admin = held.map(|lock| view(LockHolder::Admin, lock));
        Ok(UnlockResponse { admin })
    }

    /// Every lock that is held, the owner's first.
    pub(super) fn locks(&self) -> Vec<HeldLock> {
        let Locked { owner, admin } = self.broker.ports.locks.held();
        let owner = owner.map(|lock| view(LockHolder::Owner, lock));
        let admin = admin.map(|lock| view(LockHolder::Admin, lock));
        owner.into_iter().chain(admin).collect()
    }
}

fn view(holder: LockHolder, lock: Lock) -> HeldLock {
    HeldLock {
        holder: holder.id().to_owned(),
        by: lock.by.map(|by| format!("{} at {}", by.subject, by.issuer)),
        reason: lock.reason,
        since: lock.since / 1000,
    }
}
