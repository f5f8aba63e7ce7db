//! Which signed requirements were accepted: they never go back to a lower version.

use rusqlite::{Connection, Row};
use valetkey_core::{Event, Record, ports::LedgerError, record::SealedRecord};

use crate::{
    Store,
    bound::{Bound, Subject},
};

const ACCEPTED: &str = "SELECT record FROM records WHERE subject = ?1";

/// What the record of signed requirements is found by again.
pub(crate) fn found_by(record: &SealedRecord) -> Option<Bound> {
    version(record.record()).map(|_| Bound::new(Subject::requirements(), None))
}

const fn version(record: &Record) -> Option<u64> {
    match record.event {
        Event::RequirementsRead { version, .. } => version,
        _ => None,
    }
}

impl Store {
    /// The highest version of signed requirements that this ledger says were accepted.
    pub async fn requirements_floor(&self) -> Result<Option<u64>, LedgerError> {
        self.readers.read(floor).await
    }
}

fn floor(db: &Connection) -> rusqlite::Result<Option<u64>> {
    let mut statement = db.prepare(ACCEPTED)?;
    let versions = statement.query_map([Subject::requirements()], |row: &Row<'_>| {
        let record =
            serde_json::from_slice::<Record>(row.get_ref(0)?.as_bytes().unwrap_or_default());
        Ok(record.ok().as_ref().and_then(version))
    })?;
    let versions: Vec<_> = versions.collect::<rusqlite::Result<_>>()?;
    Ok(versions.into_iter().flatten().max())
}
