//! A second program edits the rows of sessions: `verify` says which, and nobody believes them. Those
//! of logins are in `logins`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use valetkey_core::{
    Session, SessionId,
    ports::{Ledger as _, SessionFilter, Sessions as _},
};
use valetkey_store::Store;
use valetkey_support::contracts::{ledger::token, sessions::session};

use crate::home::{Home, faults, one, record, save, told};

/// More than the records that an opened store looks at.
const MANY: u64 = 70;
/// The session that is edited, in the words of SQLite.
const IT: &str = "id = (SELECT min(id) FROM sessions)";
/// The row before the revocation, which the test put away.
const BEFORE: &str = "(SELECT session FROM was)";

/// Two sessions, the first of which was suspended and is active again: records 1 to 4, and many more.
async fn two_sessions() -> (Home, Session, Session) {
    let (home, edited, other) = (Home::new(), session(1), session(2));
    let store = home.open();
    save(&store, &edited).await;
    save(&store, &other).await;
    save(&store, &edited.suspend("away".into()).unwrap()).await;
    save(&store, &edited).await;
    record(&store, MANY).await;
    assert!(faults(&store).await.is_empty());
    (home, edited, other)
}

/// The ids of the sessions that a reopened store has.
async fn live(store: &Store) -> Vec<SessionId> {
    let live = store.list(SessionFilter::Live).await.unwrap();
    live.iter().map(|session| session.id).collect()
}

/// Nothing is lent in the name of the session, by whatever way it is asked for.
async fn lends_nothing(store: &Arc<Store>, over: SessionId) {
    assert!(!live(store).await.contains(&over));
    let loaded = store.load(over);
    assert!(loaded.is_none_or(|session| session.state.is_final()));
    let recent = store.list(SessionFilter::Recent(9)).await.unwrap();
    let shown = recent.iter().find(|session| session.id == over);
    assert!(shown.is_none_or(|session| session.state.is_final()));
    assert!(store.record(token(over, 1, 60)).await.is_err());
}

#[tokio::test]
async fn an_edited_session_is_found_and_lends_nothing() {
    for set in [
        "session = json_set(session, '$.user.id.subject', 'boss')",
        "session = json_set(session, '$.user.groups', json('[\"admins\"]'))",
        "session = json_set(session, '$.deadline.unix_ms', 9999999999999)",
        "session = json_set(session, '$.account', 'boss')",
        "session = session || ' '",
        // The row of the other one, id and all.
        "session = (SELECT session FROM sessions ORDER BY id DESC LIMIT 1)",
    ] {
        let (home, edited, other) = two_sessions().await;
        one(
            &home.stranger(),
            &format!("UPDATE sessions SET {set} WHERE {IT}"),
        );
        let store = home.open();
        let (place, what) = told(&store).await;
        assert_eq!(place, 4, "{set}");
        let said = format!(
            "session `{edited}` is not as it left that: the row was changed without a record",
            edited = edited.id
        );
        assert_eq!(what, said, "{set}");
        lends_nothing(&store, edited.id).await;
        assert_eq!(live(&store).await, [other.id], "{set}");
        store.record(token(other.id, 2, 60)).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_not_brought_back() {
    let active = "json_set(session, '$.state', json('{\"state\":\"active\"}'))";
    for set in [
        format!("live = 1, session = {active}"),
        format!("live = 0, session = {active}"),
        // As it was, byte by byte, with the record of that time.
        format!("live = 1, changed = 4, session = {BEFORE}"),
        format!("live = 1, session = {BEFORE}"),
        "live = 1".to_owned(),
    ] {
        let (home, edited, other) = two_sessions().await;
        let store = home.open();
        let put_away = format!("CREATE TABLE was AS SELECT session FROM sessions WHERE {IT}");
        home.stranger().execute_batch(&put_away).unwrap();
        let revoked = edited.revoke("boss".into(), "left".into()).unwrap();
        save(&store, &revoked).await;
        record(&store, MANY).await;
        drop(store);
        one(
            &home.stranger(),
            &format!("UPDATE sessions SET {set} WHERE {IT}"),
        );
        let store = home.open();
        assert_eq!(told(&store).await.0, MANY + 5, "{set}");
        lends_nothing(&store, edited.id).await;
        assert_eq!(live(&store).await, [other.id], "{set}");
    }
}

#[tokio::test]
async fn a_session_that_speaks_of_another_record_is_found_and_lends_nothing() {
    // At 1 it was as it is now, at 2 the other one was recorded, at 10 something else.
    for place in [1, 2, 10] {
        let (home, edited, _) = two_sessions().await;
        let sql = format!("UPDATE sessions SET changed = {place} WHERE {IT}");
        one(&home.stranger(), &sql);
        let store = home.open();
        let (found, what) = told(&store).await;
        assert_eq!(found, 4);
        assert!(
            what.ends_with(&format!("but speaks of record {place}")),
            "{what}"
        );
        lends_nothing(&store, edited.id).await;
    }
}

#[tokio::test]
async fn a_session_that_is_gone_or_hidden_is_found() {
    for sql in ["DELETE FROM sessions", "UPDATE sessions SET live = 0"] {
        let (home, edited, _) = two_sessions().await;
        one(&home.stranger(), &format!("{sql} WHERE {IT}"));
        let store = home.open();
        assert_eq!(told(&store).await.0, 4, "{sql}");
        lends_nothing(&store, edited.id).await;
    }
}

#[tokio::test]
async fn a_session_that_no_record_began_is_found_and_lends_nothing() {
    let (home, ..) = two_sessions().await;
    let forged = session(3);
    one(
        &home.stranger(),
        &format!(
            "INSERT INTO sessions (id, live, changed, session)
             SELECT unhex('{id}'), 1, changed, replace(session, '000000000001', '000000000003')
             FROM sessions WHERE {IT}",
            id = forged.id
        ),
    );
    let store = home.open();
    let said = format!(
        "session `{}` speaks of it, but no record left that",
        forged.id
    );
    assert_eq!(told(&store).await, (4, said));
    lends_nothing(&store, forged.id).await;
}

#[tokio::test]
async fn a_record_that_was_unbound_from_its_session_is_found() {
    for set in [
        "subject = NULL",
        "subject = x'00'",
        "bound = NULL",
        "bound = zeroblob(32)",
    ] {
        let (home, ..) = two_sessions().await;
        let sql = format!("UPDATE records SET {set} WHERE sequence = 4");
        one(&home.stranger(), &sql);
        let found = faults(&home.open()).await;
        assert!(found.contains(&4), "{set}: {found:?}");
    }
}
