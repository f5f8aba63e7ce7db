//! Approvals and locks: many at once, between two runs, and where the disk fails.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use futures_util::future::join_all;
use valetkey_core::{
    Approval, Approver, LockHolder,
    approval::{Ending, Term},
    ports::{
        ApprovalError, Approvals as _, Audit as _, Clock as _, Ledger as _, LedgerError, Locks as _,
    },
};
use valetkey_store::Store;
use valetkey_support::{
    MovableClock,
    contracts::{
        approvals::{no, question, told, yes, yes_for_a_while},
        ledger::{note, token, token_by},
        locks::{self, lock},
        sessions::session,
    },
};

use crate::home::{Home, faults, save};

async fn step(store: &Store, next: &Approval) {
    store.save(next.clone(), told(next)).await.unwrap();
}

async fn set(store: &Store, holder: LockHolder, reason: Option<&str>) -> Result<(), LedgerError> {
    let lock = reason.map(lock);
    let record = locks::told(holder, lock.as_ref());
    store.set(holder, lock, record).await
}

/// In one transaction too: the writer is held up until everything is queued.
#[tokio::test]
async fn what_is_taken_back_lends_nothing_to_whoever_comes_behind_in_its_batch() {
    let home = Home::new();
    let store = home.open();
    let mine = session(1);
    save(&store, &mine).await;
    let asked = question(1, &mine);
    let given = yes_for_a_while(&asked);
    step(&store, &asked).await;
    step(&store, &given).await;
    let back = given.end(Ending::TakenBack, given.at).unwrap();
    let issue = |n| store.record(token_by(mine.id, n, 60, Some(given.id)));

    let before = store.commits();
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    // `join!` polls in order: all are queued before the lock is let go.
    let (first, taken, behind, ()) = tokio::join!(
        issue(1),
        step(&store, &back),
        join_all((2..20).map(issue)),
        async { stranger.execute_batch("COMMIT").unwrap() }
    );
    assert_eq!((first.unwrap().sequence(), taken), (4, ()));
    for refused in behind {
        assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
    }
    assert_eq!(store.after(0, 50).await.unwrap().len(), 5);
    assert!(store.commits() - before <= 2, "they shared a transaction");

    drop(store);
    let store = home.open();
    let refused = store.record(token_by(mine.id, 20, 60, Some(given.id)));
    assert_eq!(refused.await.unwrap_err(), LedgerError::SessionGone);
}

/// From as many threads as there are, so that the answers meet in every order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_answers_that_race_exactly_one_is_stored() {
    let home = Home::new();
    let store = home.open();
    let mine = session(1);
    save(&store, &mine).await;
    for round in 1..=10 {
        let asked = question(round, &mine);
        step(&store, &asked).await;
        let racers = (0..32).map(|n| {
            let (store, asked) = (Arc::clone(&store), asked.clone());
            tokio::spawn(async move {
                let next = match n % 3 {
                    0 => yes(&asked),
                    1 => no(&asked),
                    _ => asked.end(Ending::Withdrawn, asked.at).unwrap(),
                };
                (store.save(next.clone(), told(&next)).await, next)
            })
        });
        let outcomes: Vec<_> = join_all(racers)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let won: Vec<_> = outcomes.iter().filter(|(done, _)| done.is_ok()).collect();
        assert_eq!(won.len(), 1, "round {round}");
        let winner = won.first().map(|(_, next)| Arc::new(next.clone())).unwrap();
        for (done, _) in &outcomes {
            if let Err(error) = done {
                assert_eq!(*error, ApprovalError::Conflict(Arc::clone(&winner)));
            }
        }
    }
    // The session, and one question with one answer in each round.
    assert_eq!(store.grown_beyond(0).await, 21);
    assert!(faults(&store).await.is_empty());
}

/// Whoever asks while the session ends is stored before the end or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_a_session_that_ends_meanwhile() {
    let home = Home::new();
    let store = home.open();
    for round in 1..=20 {
        let mine = session(round);
        save(&store, &mine).await;
        let asking: Vec<_> = (0..16)
            .map(|n| {
                let store = Arc::clone(&store);
                let mut asked = question(round * 100 + n, &mine);
                asked.asked.grant.lifetime += n;
                tokio::spawn(async move { store.save(asked.clone(), told(&asked)).await })
            })
            .collect();
        save(&store, &mine.end().unwrap()).await;
        let over = store.grown_beyond(0).await;
        for done in join_all(asking).await {
            drop(done.unwrap());
        }
        assert!(store.list(None).is_empty(), "round {round}");
        let late = store.after(over, 100).await.unwrap();
        assert!(late.is_empty(), "a question is recorded behind the end");
    }
    assert!(faults(&store).await.is_empty());
}

#[tokio::test]
async fn approvals_are_as_they_were() {
    let home = Home::new();
    let store = home.open();
    let (mine, suspended, ended) = (session(1), session(2), session(3));
    for session in [&mine, &suspended, &ended] {
        save(&store, session).await;
    }
    let now = MovableClock::default().now();
    let (open, refused) = (question(2, &mine), no(&question(3, &suspended)));
    let term = Term::Until {
        until: now.after(600),
        idle: 60,
    };
    let by = Approver::Reviewer {
        name: "robot".into(),
    };
    let granted = question(1, &mine).grant(by, term, now).unwrap();
    let over = no(&question(4, &ended));
    step(&store, &question(1, &mine)).await;
    step(&store, &granted).await;
    for first in [&open, &question(3, &suspended), &question(4, &ended)] {
        step(&store, first).await;
    }
    for then in [&refused, &over] {
        step(&store, then).await;
    }
    home.clock.pass_seconds(30);
    store.touch(granted.id, home.clock.now());
    save(&store, &suspended.suspend("away".into()).unwrap()).await;
    save(&store, &ended.end().unwrap()).await;
    drop(store);

    let store = home.open();
    let kept = store.list(None);
    let listed: Vec<_> = kept.iter().map(|kept| &*kept.approval).collect();
    assert_eq!(listed, [&granted, &open, &refused]);
    assert_eq!(
        kept.first().unwrap().used,
        now,
        "it counts from its beginning"
    );
    assert!(store.changed(0).await > 0);
    // And goes on from there.
    step(&store, &granted.end(Ending::TakenBack, now).unwrap()).await;
    let again = store.save(granted.clone(), told(&granted)).await;
    assert!(matches!(again, Err(ApprovalError::Conflict(_))));
    let twin = question(9, &mine);
    let joined = store.save(twin.clone(), told(&twin)).await;
    assert_eq!(joined, Err(ApprovalError::Conflict(Arc::new(open))));
    assert!(faults(&store).await.is_empty());
}

#[tokio::test]
async fn locks_are_as_they_were() {
    let home = Home::new();
    let store = home.open();
    save(&store, &session(1)).await;
    for holder in [LockHolder::Owner, LockHolder::Admin] {
        set(&store, holder, Some("theft")).await.unwrap();
    }
    set(&store, LockHolder::Owner, None).await.unwrap();
    for _ in 0..2 {
        drop(home.open());
        let store = home.open();
        let held = store.held();
        assert_eq!((held.owner, held.admin), (None, Some(lock("theft"))));
        let refused = store.record(token(session(1).id, 1, 60)).await;
        assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
        assert!(faults(&store).await.is_empty());
    }
    let store = home.open();
    set(&store, LockHolder::Admin, None).await.unwrap();
    store.record(token(session(1).id, 1, 60)).await.unwrap();
    drop(store);
    assert!(!home.open().held().any());
}

/// From as many threads as there are: what is shown in the end is what is found after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locks_that_race_are_stored_in_the_order_in_which_they_are_shown() {
    let home = Home::new();
    for round in 0..10 {
        let store = home.open();
        let racers = (0..40).map(|n: u64| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let holder = if n % 4 < 2 {
                    LockHolder::Owner
                } else {
                    LockHolder::Admin
                };
                let reason = n.to_string();
                let reason = n.is_multiple_of(2).then_some(reason.as_str());
                set(&store, holder, reason).await.unwrap();
            })
        });
        for done in join_all(racers).await {
            done.unwrap();
        }
        let shown = store.held();
        drop(store);
        assert_eq!(home.open().held(), shown, "round {round}");
    }
}

/// A file that another program holds is a disk that does not write.
#[tokio::test]
async fn a_lock_holds_where_the_disk_refuses_and_its_lifting_does_not() {
    let mut home = Home::new();
    home.answer_within = std::time::Duration::from_millis(200);
    let store = home.open();
    save(&store, &session(1)).await;
    let stranger = home.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = set(&store, LockHolder::Owner, Some("theft")).await;
    assert_eq!(refused, Err(LedgerError::Slow));
    assert_eq!(store.held().owner, Some(lock("theft")));
    let refused = set(&store, LockHolder::Owner, None).await;
    assert_eq!(refused, Err(LedgerError::Slow));
    assert_eq!(store.held().owner, Some(lock("theft")));
    stranger.execute_batch("ROLLBACK").unwrap();
    // It was queued all the same; the lifting was not.
    store.grown_beyond(1).await;
    drop(store);
    let store = home.open();
    assert_eq!(store.held().owner, Some(lock("theft")));
    assert!(store.record(token(session(1).id, 1, 60)).await.is_err());
    store.record(note(1)).await.unwrap();
    set(&store, LockHolder::Owner, None).await.unwrap();
    store.record(token(session(1).id, 1, 60)).await.unwrap();
}
