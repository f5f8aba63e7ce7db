//! The locks that are held, in memory.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use valetkey_core::{Lock, LockHolder, Locked};

/// What every request looks into.
pub(crate) struct Held(RwLock<Places>);

struct Places {
    locked: Locked,
    taken: Taken,
}

/// How often each holder took its lock since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    owner: u64,
    admin: u64,
}

impl Taken {
    const fn of(&mut self, holder: LockHolder) -> &mut u64 {
        match holder {
            LockHolder::Owner => &mut self.owner,
            LockHolder::Admin => &mut self.admin,
        }
    }
}

impl Held {
    pub(crate) fn new(locked: Locked) -> Self {
        Self(RwLock::new(Places {
            locked,
            taken: Taken::default(),
        }))
    }

    pub(crate) fn shown(&self) -> Locked {
        self.read().locked.clone()
    }

    pub(crate) fn any(&self) -> bool {
        self.read().locked.any()
    }

    /// Shows a lock that is taken, and queues the change while nobody else can queue one: so the order
    /// of what is shown is the order of what is stored. `queue` is given how often the holder has
    /// taken it by then.
    pub(crate) fn in_order<T>(
        &self,
        holder: LockHolder,
        lock: Option<Lock>,
        queue: impl FnOnce(u64) -> T,
    ) -> T {
        let mut places = self.write();
        if lock.is_some() {
            *places.locked.of(holder) = lock;
            *places.taken.of(holder) += 1;
        }
        queue(*places.taken.of(holder))
    }

    /// Shows that a lock is lifted on the disk, unless its holder has taken it again since.
    pub(crate) fn lifted(&self, holder: LockHolder, taken: u64) {
        let mut places = self.write();
        if *places.taken.of(holder) == taken {
            *places.locked.of(holder) = None;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Places> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{Lock, LockHolder, Locked};

    use super::Held;

    fn lock(reason: &str) -> Lock {
        Lock {
            by: None,
            reason: reason.to_owned(),
            since: 1,
        }
    }

    #[test]
    fn a_lock_that_was_taken_again_is_not_lifted_by_the_lifting_before() {
        let held = Held::new(Locked {
            owner: Some(lock("old")),
            admin: None,
        });
        let lifting = held.in_order(LockHolder::Owner, None, |taken| taken);
        let taking = held.in_order(LockHolder::Owner, Some(lock("new")), |taken| taken);
        held.lifted(LockHolder::Owner, lifting);
        assert_eq!(held.shown().owner, Some(lock("new")));
        held.lifted(LockHolder::Owner, taking);
        assert!(!held.any());
    }

    #[test]
    fn what_the_other_holder_does_changes_nothing() {
        let held = Held::new(Locked::default());
        let taking = held.in_order(LockHolder::Owner, Some(lock("mine")), |taken| taken);
        held.in_order(LockHolder::Admin, Some(lock("theirs")), |_| ());
        held.lifted(LockHolder::Owner, taking);
        let shown = held.shown();
        assert_eq!((shown.owner, shown.admin), (None, Some(lock("theirs"))));
    }
}
