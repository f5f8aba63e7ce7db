//! A disk that does not answer, played by another process that holds the write lock.

use std::time::Duration;

use futures_util::{FutureExt as _, future::join_all};
use valetkey_core::ports::{Audit as _, Ledger as _, LedgerError, Sessions as _};
use valetkey_support::contracts::{
    ledger::{note, token},
    sessions::{change, session},
};

use crate::home::{Home, faults, record, save};

#[tokio::test]
async fn whoever_comes_at_once_shares_a_commit() {
    let home = Home::new();
    let store = home.open();
    let before = store.commits();
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let queued = join_all((0..32).map(|n| store.record(note(n))));
    // `join!` polls in order: all 32 are queued before the lock is let go.
    let (receipts, ()) = tokio::join!(queued, async {
        stranger.execute_batch("COMMIT").unwrap();
    });
    let places: Vec<_> = receipts
        .into_iter()
        .map(|receipt| receipt.unwrap().sequence())
        .collect();
    assert_eq!(places, (1..=32).collect::<Vec<_>>(), "in order");
    let commits = store.commits() - before;
    assert!(commits <= 2, "{commits} commits for 32 records");
}

#[tokio::test]
async fn no_more_wait_than_the_queue_holds() {
    let home = Home::new();
    let store = home.open();
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut told_at_once = 0;
    let mut waiting = Vec::new();
    for n in 0..5000 {
        let mut record = store.record(note(n));
        match (&mut record).now_or_never() {
            Some(refused) => {
                assert_eq!(refused.unwrap_err(), LedgerError::Slow);
                told_at_once += 1;
            }
            None => waiting.push(record),
        }
    }
    // The queue holds 4,096; the writer may have taken its first batch out before.
    assert!((5000 - 4096 - 256..=5000 - 4096).contains(&told_at_once));
    stranger.execute_batch("COMMIT").unwrap();
    for receipt in join_all(waiting).await {
        receipt.unwrap();
    }
}

#[tokio::test]
async fn a_lock_is_a_slow_disk_and_passes() {
    let mut home = Home::new();
    let mine = session(1);
    save(&home.open(), &mine).await;
    home.answer_within = Duration::from_millis(20);
    let store = home.open();
    let stored = store.grown_beyond(0).await;

    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let late = store.record(note(1)).await;
    assert_eq!(late.unwrap_err(), LedgerError::Slow);
    // Nobody waits for what is known to be stuck.
    let at_once = store.record(note(2)).now_or_never();
    assert_eq!(at_once.unwrap().unwrap_err(), LedgerError::Slow);
    // Authority is taken away all the same, and stored when the disk comes back.
    let revoked = mine.revoke("boss".into(), "left".into()).unwrap();
    let change = change(&revoked);
    let at_once = store.save(revoked.clone(), change).now_or_never();
    assert_eq!(at_once.unwrap().unwrap_err(), LedgerError::Slow);
    assert_eq!(store.load(mine.id).as_deref(), Some(&revoked));

    stranger.execute_batch("COMMIT").unwrap();
    assert_eq!(
        store.grown_beyond(stored + 1).await,
        stored + 2,
        "the late note and the revocation, not the other note"
    );
    let refused = store.record(token(mine.id, 3, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
    drop(store);
    home.answer_within = Duration::from_secs(60);
    let store = home.open();
    assert_eq!(store.load(mine.id).as_deref(), Some(&revoked), "durable");
    record(&store, 1).await;
    assert!(faults(&store).await.is_empty());
}

#[tokio::test]
async fn what_waited_for_a_lock_when_the_broker_stopped_is_not_half_stored() {
    let home = Home {
        answer_within: Duration::from_millis(20),
        ..Home::new()
    };
    let store = home.open();
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let late = store.record(note(1)).await;
    assert_eq!(late.unwrap_err(), LedgerError::Slow);
    drop(store);
    stranger.execute_batch("COMMIT").unwrap();
    let store = home.open();
    assert_eq!(store.after(0, 10).await.unwrap(), []);
    assert!(faults(&store).await.is_empty());
}
