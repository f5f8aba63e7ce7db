//! A folder with a database in it, and a keyring that outlives both.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, params};
use tempfile::TempDir;
use valetkey_core::{
    Session,
    ports::{Audit as _, Ledger as _, Sessions as _},
};
use valetkey_store::{OpenError, Options, Store};
use valetkey_support::{
    CountingEntropy, MovableClock,
    contracts::{ledger::note, sessions::change},
    fakes::secret_store::FakeSecretStore,
};

pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) keyring: Arc<FakeSecretStore>,
    pub(crate) entropy: Arc<CountingEntropy>,
    pub(crate) answer_within: Duration,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::default(),
            keyring: Arc::default(),
            entropy: Arc::default(),
            // Long enough for a busy machine: no test waits for it.
            answer_within: Duration::from_secs(60),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("valetkey.db")
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            answer_within: self.answer_within,
            ..Options::new(
                Arc::clone(&self.clock) as _,
                Arc::clone(&self.entropy) as _,
                Arc::clone(&self.keyring) as _,
            )
        }
    }

    pub(crate) fn try_open(&self) -> Result<Arc<Store>, OpenError> {
        Store::open(&self.database(), self.options())
    }

    pub(crate) fn open(&self) -> Arc<Store> {
        self.try_open().unwrap()
    }

    /// Somebody else's connection to the file.
    pub(crate) fn stranger(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }
}

/// Records `n` notes.
pub(crate) async fn record(store: &Store, n: u64) {
    for place in 0..n {
        store.record(note(place)).await.unwrap();
    }
}

pub(crate) async fn save(store: &Store, session: &Session) {
    store.save(session.clone(), change(session)).await.unwrap();
}

/// The places that `verify` complains about.
pub(crate) async fn faults(store: &Store) -> Vec<u64> {
    let verification = store.verify().await.unwrap();
    verification.faults.iter().map(|f| f.sequence).collect()
}

/// What a person reads about the one thing that is wrong.
pub(crate) async fn told(store: &Store) -> (u64, String) {
    let faults = store.verify().await.unwrap().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = faults.into_iter().next().unwrap();
    (fault.sequence, fault.what)
}

/// Edits one row.
pub(crate) fn one(file: &Connection, sql: &str) {
    assert_eq!(file.execute(sql, []).unwrap(), 1, "{sql}");
}

/// Edits the row that the record at `place` brought, and the record to fit it.
pub(crate) fn forge(file: &Connection, table: &str, column: &str, place: i64, json: &str) {
    let row = format!("UPDATE {table} SET {column} = ?1 WHERE changed = ?2");
    assert_eq!(file.execute(&row, params![json, place]).unwrap(), 1);
    let hash = digest(&SHA256, json.as_bytes());
    let record = "UPDATE records SET bound = ?1 WHERE sequence = ?2";
    let record = file.execute(record, params![hash.as_ref(), place]);
    assert_eq!(record.unwrap(), 1);
}
