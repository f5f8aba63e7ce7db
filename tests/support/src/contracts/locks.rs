//! Contract of the locks, one function per promise.
#![expect(
    clippy::unwrap_used,
    reason = "a suite panics where a promise is broken"
)]

use std::sync::Arc;

use futures_util::future::{FutureExt as _, join_all};
use valetkey_core::{
    Event, Lock, LockHolder, Locked, Record,
    ports::{Clock as _, LedgerError, Locks},
    record::SealedRecord,
};

use super::{
    ledger::{Books, token},
    sessions::{change, session},
};
use crate::MovableClock;

/// What the suite works on: nothing is locked.
pub struct Subject {
    /// The locks.
    pub locks: Arc<dyn Locks>,
    /// The ledger and the sessions whose changes are in the same order.
    pub books: Books,
}

/// Every promise that does not need a broken disk.
pub async fn all(make: impl AsyncFn() -> Subject) {
    nothing_is_held_at_first(&make().await).await;
    a_lock_is_held_until_it_is_lifted(&make().await).await;
    holders_are_apart(&make().await).await;
    a_change_and_its_record_are_one_step(&make().await).await;
    no_token_after_a_lock(&make().await).await;
    a_lock_is_shown_before_its_answer(&make().await).await;
    the_last_of_many_changes_counts(&make().await).await;
}

async fn nothing_is_held_at_first(subject: &Subject) {
    assert_eq!(subject.locks.held(), Locked::default());
    // To lift what is not held is no error.
    set(subject, LockHolder::Owner, None).await.unwrap();
    assert!(!subject.locks.held().any());
}

async fn a_lock_is_held_until_it_is_lifted(subject: &Subject) {
    for holder in [LockHolder::Owner, LockHolder::Admin] {
        for reason in ["lunch", "theft"] {
            set(subject, holder, Some(lock(reason))).await.unwrap();
            let mut held = subject.locks.held();
            assert_eq!(held.of(holder).take(), Some(lock(reason)));
            assert!(!held.any());
        }
        set(subject, holder, None).await.unwrap();
        assert!(!subject.locks.held().any());
    }
}

async fn holders_are_apart(subject: &Subject) {
    set(subject, LockHolder::Owner, Some(lock("lunch")))
        .await
        .unwrap();
    set(subject, LockHolder::Admin, Some(lock("theft")))
        .await
        .unwrap();
    set(subject, LockHolder::Owner, None).await.unwrap();
    let held = subject.locks.held();
    assert_eq!((held.owner, held.admin), (None, Some(lock("theft"))));
}

async fn a_change_and_its_record_are_one_step(subject: &Subject) {
    for (place, next) in [(1, Some(lock("lunch"))), (2, None)] {
        let record = told(LockHolder::Owner, next.as_ref());
        let promised = record.bytes().to_vec();
        let done = subject.locks.set(LockHolder::Owner, next, record).await;
        done.unwrap();
        let entries = subject.books.audit.after(place - 1, 10).await.unwrap();
        let stored: Vec<_> = entries.into_iter().map(|entry| entry.record).collect();
        assert_eq!(stored, [promised]);
    }
}

async fn no_token_after_a_lock(subject: &Subject) {
    let Books {
        ledger, sessions, ..
    } = &subject.books;
    let mine = session(1);
    sessions.save(mine.clone(), change(&mine)).await.unwrap();
    let mut n = 0;
    let mut issue = || {
        n += 1;
        ledger.record(token(mine.id, n, 60))
    };
    issue().await.unwrap();
    for holder in [LockHolder::Owner, LockHolder::Admin] {
        set(subject, holder, Some(lock("lunch"))).await.unwrap();
        assert_eq!(issue().await.unwrap_err(), LedgerError::SessionGone);
    }
    set(subject, LockHolder::Owner, None).await.unwrap();
    assert_eq!(
        issue().await.unwrap_err(),
        LedgerError::SessionGone,
        "the other lock is held"
    );
    set(subject, LockHolder::Admin, None).await.unwrap();
    issue().await.unwrap();
}

/// Whoever gives up waiting has locked all the same.
async fn a_lock_is_shown_before_its_answer(subject: &Subject) {
    let taking = set(subject, LockHolder::Owner, Some(lock("lunch")));
    drop(taking.now_or_never());
    assert_eq!(subject.locks.held().owner, Some(lock("lunch")));
}

async fn the_last_of_many_changes_counts(subject: &Subject) {
    let changes = (0..40).map(|n| {
        let taken = (n % 2 == 1).then(|| lock(&n.to_string()));
        set(subject, LockHolder::Owner, taken)
    });
    for done in join_all(changes).await {
        done.unwrap();
    }
    assert_eq!(subject.locks.held().owner, Some(lock("39")));
}

async fn set(subject: &Subject, holder: LockHolder, lock: Option<Lock>) -> Result<(), LedgerError> {
    let record = told(holder, lock.as_ref());
    subject.locks.set(holder, lock, record).await
}

/// A lock of the owner.
pub fn lock(reason: &str) -> Lock {
    Lock {
        by: None,
        reason: reason.to_owned(),
        since: MovableClock::default().now().unix_ms,
    }
}

/// The record of a lock's change.
pub fn told(holder: LockHolder, lock: Option<&Lock>) -> SealedRecord {
    let event = match lock {
        Some(lock) => Event::MachineLocked {
            holder,
            lock: lock.clone(),
        },
        None => Event::MachineUnlocked { holder, by: None },
    };
    SealedRecord::new(Record {
        at: MovableClock::default().now().unix_ms,
        request: None,
        session: None,
        event,
    })
    .unwrap()
}
