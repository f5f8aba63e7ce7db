//! The port that reads the ledger back.

use rusqlite::{Connection, params};
use valetkey_core::ports::{Answer, Audit, Entry, LedgerError, Verification};

use crate::{Store, chain::Hash, key};

const AFTER: &str = "SELECT sequence, record, hash FROM records
    WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";

/// Most entries that one call reads into memory, whatever it asks for.
const AT_MOST: u32 = 10_000;

impl Audit for Store {
    fn after(&self, sequence: u64, limit: u32) -> Answer<'_, Result<Vec<Entry>, LedgerError>> {
        let limit = limit.min(AT_MOST);
        Box::pin(async move {
            self.readers
                .read(move |db| after(db, sequence, limit))
                .await
        })
    }

    fn grown_beyond(&self, seen: u64) -> Answer<'_, u64> {
        let mut head = self.shared.head.subscribe();
        Box::pin(async move {
            let grown = head.wait_for(|head| head.sequence > seen).await;
            // The sender lives as long as this store, so the wait does not fail.
            grown.map_or(seen, |head| head.sequence)
        })
    }

    fn verify(&self) -> Answer<'_, Result<Verification, LedgerError>> {
        Box::pin(self.walk())
    }
}

fn after(db: &Connection, sequence: u64, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = db.prepare_cached(AFTER)?;
    let rows = statement.query_map(params![key::integer(sequence)?, limit], |row| {
        let hash = Hash::from_slice(row.get_ref(2)?.as_bytes().unwrap_or_default());
        Ok(Entry {
            sequence: row.get::<_, i64>(0)?.unsigned_abs(),
            record: row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec(),
            hash: hash.map(|hash| hash.to_string()).unwrap_or_default(),
        })
    })?;
    rows.collect()
}
