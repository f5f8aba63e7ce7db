//! The leases in a batch: one for every token, until it has ended.

use rusqlite::params;
use valetkey_core::Lease;

use super::Batch;
use crate::key;

/// A row that is there already speaks of a record that was cut off; the ledger goes on without it.
const LEASE: &str =
    "INSERT OR REPLACE INTO leases (session, sequence, expires) VALUES (?1, ?2, ?3)";
const NEXT_LEASED: &str = "SELECT min(session) FROM leases WHERE session > ?1";
const PRUNE: &str = "DELETE FROM leases WHERE session = ?1 AND expires <= ?2 AND sequence IN
    (SELECT sequence FROM leases WHERE session = ?1 ORDER BY sequence LIMIT 512)";

/// How many sessions are relieved of ended leases at each checkpoint.
const PRUNED: usize = 16;

impl Batch<'_> {
    /// The lease of the token that was recorded just now.
    pub(super) fn lease(&self, lease: &Lease) -> rusqlite::Result<()> {
        let place = key::integer(self.head.sequence)?;
        // A lease that outlives SQLite's integers has no end that matters.
        let expires = key::integer(lease.expires).unwrap_or(i64::MAX);
        self.run(LEASE, params![key::session(lease.session), place, expires])?;
        Ok(())
    }

    /// Forgets the oldest leases of the next few sessions where they have ended: a bounded amount of
    /// work, and each session has its turn.
    pub(super) fn prune(&mut self, unix_seconds: i64) -> rusqlite::Result<()> {
        for _ in 0..PRUNED {
            let next: Option<Vec<u8>> = self
                .db
                .prepare_cached(NEXT_LEASED)?
                .query_row([&*self.pruned], |row| row.get(0))?;
            *self.pruned = next.unwrap_or_default();
            if self.pruned.is_empty() {
                break;
            }
            self.run(PRUNE, params![*self.pruned, unix_seconds])?;
        }
        Ok(())
    }
}
