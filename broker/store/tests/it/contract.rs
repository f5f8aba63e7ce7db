//! The contract suites of the ports.

use std::sync::Arc;

use valetkey_store::Store;
use valetkey_support::contracts::{self, approvals, ledger::Books, locks};

use crate::home::Home;

fn store() -> (Arc<Store>, Books) {
    let home = Home::new();
    let store = home.open();
    let books = Books {
        ledger: Arc::clone(&store) as _,
        audit: Arc::clone(&store) as _,
        sessions: Arc::clone(&store) as _,
        keep: Box::new(home),
    };
    (store, books)
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_ledger() {
    contracts::ledger::all(async || store().1).await;
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_sessions() {
    contracts::sessions::all(async || store().1).await;
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_approvals() {
    let make = async || {
        let (approvals, books) = store();
        approvals::Subject { approvals, books }
    };
    approvals::all(make).await;
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_locks() {
    let make = async || {
        let (locks, books) = store();
        locks::Subject { locks, books }
    };
    locks::all(make).await;
}
