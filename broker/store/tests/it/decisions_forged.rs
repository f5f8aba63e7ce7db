//! A second program edits rows together with their records while no broker runs: what the chain does not
//! bear out lends nothing, and a lock that may have been there is held.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, params};
use valetkey_core::{
    LockHolder, Session,
    approval::Ending,
    ports::{Approvals, Ledger as _, LedgerError, Locks as _, SessionFilter, Sessions},
};
use valetkey_store::Store;
use valetkey_support::contracts::{
    approvals::{question, told, yes, yes_for_a_while},
    ledger::token,
    locks::{self, lock},
    sessions::session,
};

use crate::home::{Home, faults, forge, one, record, save, told as verified};

/// A few records, and more than those that an opened store looks at.
const BEHIND: [u64; 2] = [3, 70];

/// Computes the hash of a record anew whose subject and row are gone.
fn chain_again(file: &Connection, place: i64) {
    let text = |sql, place| {
        let read = file.query_row(sql, [place], |row| row.get::<_, Vec<u8>>(0));
        read.unwrap()
    };
    let before = text("SELECT hash FROM records WHERE sequence = ?1", place - 1);
    let record = "SELECT CAST(record AS BLOB) FROM records WHERE sequence = ?1";
    let record = text(record, place);
    let length = (record.len() as u64).to_be_bytes().to_vec();
    let parts = [before, place.to_be_bytes().to_vec(), length, record];
    let sql = "UPDATE records SET hash = ?1 WHERE sequence = ?2";
    let hash = digest(&SHA256, &parts.concat());
    let edited = file.execute(sql, params![hash.as_ref(), place]);
    assert_eq!(edited.unwrap(), 1);
}

#[tokio::test]
async fn a_yes_that_was_written_into_the_row_and_its_record_lends_nothing() {
    for behind in BEHIND {
        let home = Home::new();
        let store = home.open();
        let (mine, other) = (session(1), session(2));
        save(&store, &mine).await;
        let asked = question(1, &mine);
        let kept = question(2, &other);
        Approvals::save(&*store, asked.clone(), told(&asked))
            .await
            .unwrap();
        record(&store, 2).await;
        save(&store, &other).await;
        Approvals::save(&*store, kept.clone(), told(&kept))
            .await
            .unwrap();
        record(&store, behind).await;
        drop(store);

        let json = serde_json::to_string(&yes(&asked)).unwrap();
        forge(&home.stranger(), "approvals", "approval", 2, &json);
        let store = home.open();
        let left = Approvals::list(&*store, None);
        let left: Vec<_> = left.iter().map(|kept| kept.approval.id).collect();
        assert_eq!(left, [kept.id], "{behind}");
        assert_eq!(faults(&store).await, [2], "{behind}");
    }
}

#[tokio::test]
async fn a_session_that_was_written_into_the_row_and_its_record_lends_nothing() {
    for (place, behind) in [(1, 0), (1, 3), (1, 70), (2, 0), (2, 70)] {
        let home = Home::new();
        let store = home.open();
        record(&store, place - 1).await;
        let mine = session(1);
        save(&store, &mine).await;
        record(&store, behind).await;
        drop(store);
        let mut boss = mine.clone();
        boss.user.groups.insert("admins".to_owned());
        let json = serde_json::to_string(&boss).unwrap();
        let at = i64::try_from(place).unwrap();
        forge(&home.stranger(), "sessions", "session", at, &json);
        let store = home.open();
        is_over(&store, &mine).await;
        assert_eq!(faults(&store).await, [place], "{place} {behind}");
    }
}

async fn is_over(store: &Store, session: &Session) {
    assert_eq!(store.load(session.id), None);
    for filter in [SessionFilter::Live, SessionFilter::Recent(9)] {
        let left = Sessions::list(store, filter).await.unwrap();
        assert_eq!(left, []);
    }
    let refused = store.record(token(session.id, 1, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone);
}

/// What it was before is bound to a record that is one of the chain.
#[tokio::test]
async fn a_later_record_that_was_made_to_forget_its_row_brings_nothing_back() {
    for table in ["approvals", "sessions"] {
        let home = Home::new();
        let store = home.open();
        let (mine, other) = (session(1), session(2));
        save(&store, &mine).await;
        save(&store, &other).await;
        let asked = question(1, &mine);
        let given = yes_for_a_while(&asked);
        let back = given.end(Ending::TakenBack, given.at).unwrap();
        for next in [&asked, &given] {
            let told = told(next);
            Approvals::save(&*store, next.clone(), told).await.unwrap();
        }
        record(&store, 2).await;
        let was = format!("CREATE TABLE was AS SELECT * FROM {table}");
        home.stranger().execute_batch(&was).unwrap();
        if table == "approvals" {
            let told = told(&back);
            Approvals::save(&*store, back, told).await.unwrap();
        } else {
            save(&store, &mine.end().unwrap()).await;
        }
        record(&store, 3).await;
        drop(store);
        let file = home.stranger();
        one(
            &file,
            "UPDATE records SET subject = NULL WHERE sequence = 7",
        );
        let set_back = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM was");
        file.execute_batch(&set_back).unwrap();
        drop(file);
        let store = home.open();
        assert!(Approvals::list(&*store, None).is_empty(), "{table}");
        assert_eq!(store.load(mine.id), None, "{table}");
        let live = Sessions::list(&*store, SessionFilter::Recent(9)).await;
        let live: Vec<_> = live.unwrap().iter().map(|session| session.id).collect();
        assert_eq!(live, [other.id], "{table}");
        store.record(token(other.id, 1, 60)).await.unwrap();
    }
}

/// A session (1), a lock of the admins (2), and more.
async fn locked(behind: u64) -> Home {
    let home = Home::new();
    let store = home.open();
    save(&store, &session(1)).await;
    set(&store, LockHolder::Admin, true).await;
    record(&store, behind).await;
    assert!(faults(&store).await.is_empty());
    home
}

async fn set(store: &Store, holder: LockHolder, locked: bool) {
    let lock = locked.then(|| lock("theft"));
    let record = locks::told(holder, lock.as_ref());
    store.set(holder, lock, record).await.unwrap();
}

const ROW: &str = "DELETE FROM locks";

#[tokio::test]
async fn a_lock_whose_row_and_record_were_made_to_forget_it_is_held() {
    for (behind, sql) in [
        (3, "UPDATE records SET subject = NULL WHERE sequence = 2"),
        (
            3,
            "UPDATE records SET subject = NULL, bound = NULL WHERE sequence = 2",
        ),
        (
            3,
            "UPDATE records SET subject = 'requirements signed', bound = NULL WHERE sequence = 2",
        ),
        (
            3,
            "UPDATE records SET subject = NULL, record = 'no JSON' WHERE sequence = 2",
        ),
        (
            3,
            "UPDATE records SET subject = NULL, record = json_set(record, '$.holder', 'owner')
                WHERE sequence = 2",
        ),
        (
            3,
            "UPDATE records SET subject = NULL, bound = NULL,
                record = json_set(record, '$.event', 'machine_unlocked') WHERE sequence = 2",
        ),
        (3, "DELETE FROM records WHERE sequence = 2"),
        (3, "UPDATE records SET sequence = -2 WHERE sequence = 2"),
        // Found however long ago that was, because the record is still there to be asked.
        (3, "UPDATE records SET bound = NULL WHERE sequence = 2"),
        (70, "UPDATE records SET bound = NULL WHERE sequence = 2"),
    ] {
        let home = locked(behind).await;
        one(&home.stranger(), ROW);
        one(&home.stranger(), sql);
        is_held_until_it_is_lifted(&home, sql).await;
    }
}

#[tokio::test]
async fn a_lock_whose_record_was_edited_with_its_hash_is_held() {
    let home = locked(3).await;
    let (file, sql) = (
        home.stranger(),
        "UPDATE records SET subject = NULL, bound = NULL WHERE sequence = 2",
    );
    one(&file, ROW);
    one(&file, sql);
    chain_again(&file, 2);
    drop(file);
    is_held_until_it_is_lifted(&home, sql).await;
}

async fn is_held_until_it_is_lifted(home: &Home, sql: &str) {
    let store = home.open();
    let held = store.held().admin.unwrap();
    assert!(held.reason.contains("valetkey audit verify"), "{sql}");
    let refused = store.record(token(session(1).id, 1, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone, "{sql}");
    for holder in [LockHolder::Owner, LockHolder::Admin] {
        set(&store, holder, false).await;
    }
    assert!(!store.held().any(), "{sql}");
    drop(store);
    // The fault is still there; what was done about it since counts.
    let store = home.open();
    assert!(!store.held().any(), "{sql}");
    assert!(!faults(&store).await.is_empty(), "{sql}");
}

/// Refusing would not bring back what was changed.
#[tokio::test]
async fn a_record_of_something_else_that_was_edited_locks_nothing() {
    let home = Home::new();
    let store = home.open();
    save(&store, &session(1)).await;
    set(&store, LockHolder::Admin, true).await;
    set(&store, LockHolder::Admin, false).await;
    record(&store, 9).await;
    drop(store);
    let sql = "UPDATE records SET record = json_set(record, '$.policies', 77) WHERE sequence = 8";
    one(&home.stranger(), sql);
    let store = home.open();
    assert!(!store.held().any());
    store.record(token(session(1).id, 1, 60)).await.unwrap();
}

/// Somebody who sets it back is told of all the same, and once.
#[tokio::test]
async fn what_was_wrong_when_the_store_was_opened_stays_told() {
    let home = locked(3).await;
    let edit = |subject| format!("UPDATE records SET subject = {subject} WHERE sequence = 2");
    one(&home.stranger(), &edit("NULL"));
    let store = home.open();
    assert_eq!(faults(&store).await, [2, 2], "the record, and its row");
    one(&home.stranger(), &edit("'lock admin'"));
    let (place, what) = verified(&store).await;
    assert!(place == 2 && what.contains("does not follow"), "{what}");
}
