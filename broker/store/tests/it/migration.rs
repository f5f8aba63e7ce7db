//! A file of an older format: it opens, nothing in it is lost, and the chain goes on.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{fs, os::unix::fs::PermissionsExt as _};

use rusqlite::Connection;
use valetkey_core::{
    LockHolder,
    ports::{Approvals, Audit as _, Clock as _, Ledger as _, Locks as _, LoginBook, Sessions},
};
use valetkey_store::Store;
use valetkey_support::contracts::{
    approvals::{question, told},
    ledger::token,
    locks::{self, lock},
    sessions::session,
};

use crate::home::{Home, faults};

/// As format 2 was written by the last version that knew no other.
const FORMAT_2: &str = include_str!("format-2.sql");

fn home_with(sql: &str) -> Home {
    let home = Home::new();
    home.stranger().execute_batch(sql).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(home.database(), private).unwrap();
    home
}

fn format_of(file: &Connection) -> i32 {
    file.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

async fn is_whole(store: &Store, home: &Home) {
    let verification = store.verify().await.unwrap();
    assert_eq!(verification.faults, []);
    let states: Vec<_> = (1..=3)
        .map(|n| Sessions::load(store, session(n).id).unwrap().state.id())
        .collect();
    assert_eq!(states, ["active", "suspended", "ended"]);
    let logins = LoginBook::load(store).await.unwrap();
    assert_eq!(logins.len(), 1);
    let now = home.clock.now().unix_seconds();
    let leases = store.leases(session(1).id, now).await.unwrap();
    assert!(!leases.is_empty());
}

#[tokio::test]
async fn format_2_is_brought_up_to_date_once() {
    let home = home_with(FORMAT_2);
    let head = "SELECT hex(hash) FROM records WHERE sequence = 10";
    let hash = |file: &Connection| {
        file.query_row(head, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    let before = hash(&home.stranger());
    for records in [10, 14] {
        let store = home.open();
        assert_eq!(store.grown_beyond(0).await, records);
        is_whole(&store, &home).await;
        assert_eq!(format_of(&home.stranger()), 3);
        assert_eq!(hash(&home.stranger()), before);
        if records == 10 {
            assert!(Approvals::list(&*store, None).is_empty() && !store.held().any());
            let asked = question(1, &session(1));
            let record = told(&asked);
            Approvals::save(&*store, asked, record).await.unwrap();
            store.record(token(session(1).id, 2, 60)).await.unwrap();
            for lock in [Some(lock("lunch")), None] {
                let record = locks::told(LockHolder::Owner, lock.as_ref());
                store.set(LockHolder::Owner, lock, record).await.unwrap();
            }
        }
        assert!(faults(&store).await.is_empty());
    }
}

#[tokio::test]
async fn what_was_done_to_an_older_file_is_found() {
    let home = home_with(FORMAT_2);
    let edit = "UPDATE records SET record = '{}' WHERE sequence = 4";
    home.stranger().execute(edit, []).unwrap();
    assert_eq!(faults(&home.open()).await, [4]);
}

/// A new file and one that was brought up to date have the same tables.
#[tokio::test]
async fn an_older_file_becomes_like_a_new_one() {
    let tables = |home: &Home| {
        drop(home.open());
        let file = home.stranger();
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0));
        rows.unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(tables(&home_with(FORMAT_2)), tables(&Home::new()));
}
