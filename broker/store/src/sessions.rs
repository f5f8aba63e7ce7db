//! The port that keeps sessions and their leases.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use valetkey_core::{
    Event, Lease, Record, Session, SessionId, SessionState,
    ports::{Answer, LedgerError, SessionFilter, Sessions},
    record::SealedRecord,
};

use crate::{Store, bound, chain::LedgerId, error::unwritable, job::Change, key, tail::Doubts};

/// With each session that is shown as not over comes what its last record bound, where that is the
/// record that the row speaks of.
macro_rules! sessions {
    ($which:literal) => {
        concat!(
            "SELECT session, sequence, bound FROM sessions LEFT JOIN records
            ON live = 1 AND sequence = changed
            AND sequence = (SELECT max(sequence) FROM records WHERE subject = +id) ",
            $which
        )
    };
}

const ONE: &str = sessions!("WHERE id = ?1");
const LIVE: &str = sessions!("WHERE live = 1");
/// Ids sort by birth.
const RECENT: &str = sessions!("ORDER BY id DESC LIMIT ?1");
const LEASES: &str = "SELECT record FROM leases JOIN records USING (sequence)
    WHERE leases.session = ?1 AND expires > ?2 ORDER BY leases.sequence DESC LIMIT 1000";

/// Every session that is not over, for the memory of a store that opens.
pub(crate) fn live(
    db: &Connection,
    ledger: LedgerId,
    doubts: &Doubts,
) -> rusqlite::Result<Vec<Session>> {
    let mut statement = db.prepare(LIVE)?;
    let sessions = statement.query_map([], |row| {
        let session = session(row, (db, ledger))?;
        let place = key::place(row, 1)?;
        Ok(session.filter(|session| doubts.spare(session.id, place)))
    })?;
    sessions.filter_map(Result::transpose).collect()
}

/// A session that cannot be read is one that lends nothing, and so is one that its last record did not
/// leave like this. One that is over lends nothing in any case.
fn session(row: &Row<'_>, chain: (&Connection, LedgerId)) -> rusqlite::Result<Option<Session>> {
    let json = row.get_ref(0)?.as_bytes().unwrap_or_default();
    let session = match serde_json::from_slice::<Session>(json) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "a stored session cannot be read and is left out");
            return Ok(None);
        }
    };
    if session.state.is_final() || bound::agrees(json, row, 1, chain)? {
        return Ok(Some(session));
    }
    tracing::error!(
        session = %session.id,
        "a stored session is not as its last record left it and counts as over; run `valetkey audit verify`"
    );
    Ok(None)
}

impl Sessions for Store {
    fn load(&self, id: SessionId) -> Option<Arc<Session>> {
        if let Some(session) = self.shared.live.load(id) {
            return Some(session);
        }
        let ledger = self.ledger;
        let read = self.readers.read_here(|db| {
            let mut statement = db.prepare_cached(ONE)?;
            statement
                .query_row([key::session(id)], |row| session(row, (db, ledger)))
                .optional()
        });
        match read {
            Ok(found) => found
                .flatten()
                .filter(|read| self.stands(read))
                .map(Arc::new),
            Err(error) => {
                tracing::error!(%error, "a session cannot be read");
                None
            }
        }
    }

    fn save(&self, session: Session, record: SealedRecord) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let session = Arc::new(session);
            if session.state != SessionState::Active {
                self.shared.live.take_away(&session);
            }
            if session.state.is_final() {
                self.shared.questions.forget(session.id);
            }
            let json = serde_json::to_string(&*session).map_err(unwritable)?;
            let change = Change::Session(session, json, record);
            self.queue.store(change).await.map(drop)
        })
    }

    fn list(&self, filter: SessionFilter) -> Answer<'_, Result<Vec<Arc<Session>>, LedgerError>> {
        Box::pin(async move {
            let mut sessions = match &filter {
                SessionFilter::Live | SessionFilter::LiveOfUser(_) => self.shared.live.all(),
                SessionFilter::Recent(limit) => return self.recent(*limit).await,
            };
            sessions.retain(|session| {
                let of_user = match &filter {
                    SessionFilter::LiveOfUser(user) => session.user.id == *user,
                    SessionFilter::Live | SessionFilter::Recent(_) => true,
                };
                of_user && !session.state.is_final()
            });
            sessions.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
            Ok(sessions)
        })
    }

    fn leases(
        &self,
        session: SessionId,
        unix_seconds: u64,
    ) -> Answer<'_, Result<Vec<Lease>, LedgerError>> {
        Box::pin(async move {
            let records = self.readers.read(move |db| {
                let mut statement = db.prepare_cached(LEASES)?;
                let now = key::integer(unix_seconds)?;
                let rows = statement.query_map(params![key::session(session), now], |row| {
                    Ok(row.get_ref(0)?.as_bytes()?.to_vec())
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            });
            records.await?.iter().map(|record| lease(record)).collect()
        })
    }
}

impl Store {
    /// Whether what was read is to be believed although memory does not have it.
    fn stands(&self, read: &Session) -> bool {
        read.state.is_final() || !self.shared.doubted.contains(&read.id)
    }

    async fn recent(&self, limit: u32) -> Result<Vec<Arc<Session>>, LedgerError> {
        let ledger = self.ledger;
        let read = self.readers.read(move |db| {
            let mut statement = db.prepare_cached(RECENT)?;
            let rows = statement.query_map([limit], |row| session(row, (db, ledger)))?;
            rows.filter_map(Result::transpose)
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        // What memory shows is at least as new as what was read.
        let shown = |read: Session| {
            self.shared
                .live
                .load(read.id)
                .unwrap_or_else(|| Arc::new(read))
        };
        let read = read.await?.into_iter();
        let stands =
            read.filter(|read| self.shared.live.load(read.id).is_some() || self.stands(read));
        Ok(stands.map(shown).collect())
    }
}

fn lease(record: &[u8]) -> Result<Lease, LedgerError> {
    match serde_json::from_slice::<Record>(record).map(|record| record.event) {
        Ok(Event::TokenIssued { lease, .. }) => Ok(lease),
        Ok(_) => Err(unwritable("a lease points at a record of something else")),
        Err(error) => Err(unwritable(error)),
    }
}
