//! The contract suites of the ports.

use std::sync::Arc;

use valetkey_support::contracts::{self, ledger::Books};

use crate::home::Home;

async fn books() -> Books {
    let home = Home::new();
    let store = home.open();
    Books {
        ledger: Arc::clone(&store) as _,
        audit: Arc::clone(&store) as _,
        sessions: store,
        keep: Box::new(home),
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_ledger() {
    contracts::ledger::all(books).await;
}

#[tokio::test]
async fn it_keeps_the_contract_of_the_sessions() {
    contracts::sessions::all(books).await;
}
