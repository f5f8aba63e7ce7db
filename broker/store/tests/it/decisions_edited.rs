//! A second program edits the rows of approvals and locks: `verify` says which; an approval is left out,
//! a lock is held.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use valetkey_core::{
    LockHolder,
    approval::{Ending, State, Term},
    ports::{Approvals, Ledger as _, LedgerError, Locks as _},
};
use valetkey_store::Store;
use valetkey_support::contracts::{
    approvals::{question, told, yes},
    ledger::token,
    locks::{self, lock},
    sessions::session,
};

use crate::home::{Home, faults, one, record, save, told as verified};

/// More than the records that an opened store looks at.
const MANY: u64 = 70;
/// The approval that is edited.
const IT: &str = "id = '0198c0df000070008000000000000001'";
const IT_IS: &str = "approval `0198c0df000070008000000000000001` ";

/// Two sessions (1 and 2), a question that was answered with yes (3 and 4), one of the other session
/// that is open (5), and many more records.
async fn two_approvals() -> Home {
    let home = Home::new();
    let store = home.open();
    let (mine, other) = (session(1), session(2));
    save(&store, &mine).await;
    save(&store, &other).await;
    let asked = question(1, &mine);
    for next in [asked.clone(), yes(&asked), question(2, &other)] {
        let record = told(&next);
        Approvals::save(&*store, next, record).await.unwrap();
    }
    record(&store, MANY).await;
    assert!(faults(&store).await.is_empty());
    home
}

fn ids(store: &Store) -> Vec<String> {
    let kept = Approvals::list(store, None);
    kept.iter()
        .map(|kept| kept.approval.id.to_string())
        .collect()
}

#[tokio::test]
async fn an_edited_approval_is_found_and_lends_nothing() {
    for (set, end) in [
        (
            "approval = json_set(approval, '$.asked.grant.scopes', json('[\"admin\"]'))",
            "without a record",
        ),
        (
            "approval = json_set(approval, '$.asked.grant.lifetime', 86400)",
            "without a record",
        ),
        (
            "approval = json_set(approval, '$.expires.unix_ms', 9999999999999)",
            "without a record",
        ),
        (
            "approval = json_set(approval, '$.state.granted.term.once.use_by.unix_ms', 9999999999999)",
            "without a record",
        ),
        (
            "approval = json_set(approval, '$.session', '0198c0de000070008000000000000002')",
            "without a record",
        ),
        (
            "approval = (SELECT approval FROM approvals ORDER BY id DESC LIMIT 1)",
            "without a record",
        ),
        ("approval = approval || ' '", "without a record"),
        ("approval = 'no JSON'", "without a record"),
        (
            "session = x'0198c0de000070008000000000000002'",
            "without a record",
        ),
        ("session = x'00'", "without a record"),
        ("changed = 3", "but speaks of record 3"),
        ("changed = 5", "but speaks of record 5"),
        ("changed = 10", "but speaks of record 10"),
    ] {
        let home = two_approvals().await;
        one(
            &home.stranger(),
            &format!("UPDATE approvals SET {set} WHERE {IT}"),
        );
        let store = home.open();
        let (place, what) = verified(&store).await;
        assert_eq!(place, 4, "{set}");
        assert!(
            what.starts_with(IT_IS) && what.ends_with(end),
            "{set}: {what}"
        );
        assert_eq!(
            ids(&store),
            [question(2, &session(2)).id.to_string()],
            "{set}"
        );
    }
}

#[tokio::test]
async fn an_approval_with_another_id_is_found_and_lends_nothing() {
    let home = two_approvals().await;
    let sql = format!("UPDATE approvals SET id = replace(id, '1', '7') WHERE {IT}");
    one(&home.stranger(), &sql);
    let store = home.open();
    assert_eq!(
        faults(&store).await,
        [4, 4],
        "one that is gone, one that was never left"
    );
    assert_eq!(ids(&store), [question(2, &session(2)).id.to_string()]);
}

#[tokio::test]
async fn an_approval_that_is_gone_is_found() {
    let home = two_approvals().await;
    one(
        &home.stranger(),
        &format!("DELETE FROM approvals WHERE {IT}"),
    );
    let store = home.open();
    let gone = format!("{IT_IS}that it left is gone");
    assert_eq!(verified(&store).await, (4, gone));
    assert_eq!(ids(&store), [question(2, &session(2)).id.to_string()]);
}

#[tokio::test]
async fn an_approval_that_no_record_put_is_found_and_lends_nothing() {
    let home = two_approvals().await;
    let forged = question(7, &session(1)).id.to_string();
    one(
        &home.stranger(),
        &format!(
            "INSERT INTO approvals (id, session, changed, approval)
             SELECT '{forged}', session, changed, replace(approval, id, '{forged}')
             FROM approvals WHERE {IT}"
        ),
    );
    let store = home.open();
    let said = format!("approval `{forged}` speaks of it, but no record left that");
    assert_eq!(verified(&store).await, (4, said));
    assert!(!ids(&store).contains(&forged));
}

#[tokio::test]
async fn an_answer_that_was_used_is_not_brought_back() {
    for set in [
        // As it was, byte by byte, with the record of that time.
        "changed = 4, approval = (SELECT approval FROM was)",
        "approval = (SELECT approval FROM was)",
    ] {
        let home = two_approvals().await;
        let put_away = format!("CREATE TABLE was AS SELECT approval FROM approvals WHERE {IT}");
        home.stranger().execute_batch(&put_away).unwrap();
        let store = home.open();
        let given = yes(&question(1, &session(1)));
        assert!(matches!(
            given.state,
            State::Granted {
                term: Term::Once { .. },
                ..
            }
        ));
        let used = given.end(Ending::Used, given.at).unwrap();
        let of_it = told(&used);
        Approvals::save(&*store, used, of_it).await.unwrap();
        record(&store, MANY).await;
        drop(store);
        one(
            &home.stranger(),
            &format!("UPDATE approvals SET {set} WHERE {IT}"),
        );
        let store = home.open();
        assert_eq!(verified(&store).await.0, MANY + 6, "{set}");
        assert_eq!(
            ids(&store),
            [question(2, &session(2)).id.to_string()],
            "{set}"
        );
    }
}

/// Nor is a question of a session that nobody believes put to anybody.
#[tokio::test]
async fn an_approval_goes_with_its_session() {
    let home = two_approvals().await;
    let sql =
        "UPDATE sessions SET session = session || ' ' WHERE id = (SELECT min(id) FROM sessions)";
    one(&home.stranger(), sql);
    assert_eq!(ids(&home.open()), [question(2, &session(2)).id.to_string()]);
}

#[tokio::test]
async fn an_approval_that_was_edited_goes_on_nowhere() {
    let home = two_approvals().await;
    one(
        &home.stranger(),
        &format!("UPDATE approvals SET approval = approval || ' ' WHERE {IT}"),
    );
    let store = home.open();
    let given = yes(&question(1, &session(1)));
    let used = given.end(Ending::Used, given.at).unwrap();
    let of_it = told(&used);
    assert!(Approvals::save(&*store, used, of_it).await.is_err());
}

/// A session (1), a lock of the owner (2) and of the admins (3), which was lifted (4).
async fn locked() -> Home {
    let home = Home::new();
    let store = home.open();
    save(&store, &session(1)).await;
    set(&store, LockHolder::Owner, Some("theft")).await;
    set(&store, LockHolder::Admin, Some("drill")).await;
    set(&store, LockHolder::Admin, None).await;
    record(&store, MANY).await;
    assert!(faults(&store).await.is_empty());
    home
}

async fn set(store: &Store, holder: LockHolder, reason: Option<&str>) {
    let lock = reason.map(lock);
    let record = locks::told(holder, lock.as_ref());
    store.set(holder, lock, record).await.unwrap();
}

/// The lock of `holder` is held although nobody can say why, and can be lifted.
async fn is_held(store: &Store, holder: LockHolder, sql: &str) {
    let held = store.held().of(holder).take().unwrap();
    assert!(
        held.reason.contains("valetkey audit verify"),
        "{sql}: {}",
        held.reason
    );
    let refused = store.record(token(session(1).id, 1, 60)).await;
    assert_eq!(refused.unwrap_err(), LedgerError::SessionGone, "{sql}");
    for holder in [LockHolder::Owner, LockHolder::Admin] {
        set(store, holder, None).await;
    }
    assert!(!store.held().any(), "{sql}");
    store.record(token(session(1).id, 1, 60)).await.unwrap();
    assert!(
        faults(store).await.is_empty(),
        "{sql}: lifting it is a record of its own"
    );
}

#[tokio::test]
async fn a_lock_whose_row_was_edited_is_found_and_held() {
    for sql in [
        "UPDATE locks SET lock = json_set(lock, '$.reason', 'lunch')",
        "UPDATE locks SET lock = 'no JSON'",
        "UPDATE locks SET lock = ''",
        "UPDATE locks SET changed = 1",
        "UPDATE locks SET changed = 4",
        "DELETE FROM locks",
    ] {
        let home = locked().await;
        one(&home.stranger(), sql);
        let store = home.open();
        let (place, what) = verified(&store).await;
        assert_eq!(place, 2, "{sql}");
        assert!(what.starts_with("the lock of `owner` "), "{what}");
        is_held(&store, LockHolder::Owner, sql).await;
    }
}

#[tokio::test]
async fn a_lock_with_another_holder_is_found_and_both_are_held() {
    let sql = "UPDATE locks SET holder = 'admin'";
    let home = locked().await;
    one(&home.stranger(), sql);
    let store = home.open();
    assert_eq!(faults(&store).await, [2, 4]);
    assert!(store.held().owner.is_some());
    is_held(&store, LockHolder::Admin, sql).await;
}

#[tokio::test]
async fn a_lock_whose_record_was_unbound_is_found_and_held() {
    for set in [
        "subject = NULL",
        "subject = 'lock admin'",
        "bound = NULL",
        "bound = x'00'",
        "bound = zeroblob(32)",
    ] {
        let home = locked().await;
        let sql = format!("UPDATE records SET {set} WHERE sequence = 2");
        one(&home.stranger(), &sql);
        let store = home.open();
        assert!(faults(&store).await.contains(&2), "{set}");
        let held = store.held().owner.unwrap();
        assert!(held.reason.contains("valetkey audit verify"), "{set}");
    }
}

#[tokio::test]
async fn a_lock_that_nobody_took_is_found_and_held() {
    let sql = "INSERT INTO locks (holder, changed, lock) SELECT 'admin', 3, lock FROM locks";
    let home = locked().await;
    one(&home.stranger(), sql);
    let store = home.open();
    assert_eq!(verified(&store).await.0, 4);
    is_held(&store, LockHolder::Admin, sql).await;
}
