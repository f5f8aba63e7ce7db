//! Whether sessions and logins stand as the records left them.

use std::collections::HashMap;

use rusqlite::{Connection, Row};
use valetkey_core::{Session, text::printable};

use crate::{
    bound::{Bound, Subject},
    chain::Hash,
};

const SESSIONS: &str = "SELECT id, changed, session, live FROM sessions";
const LOGINS: &str = "SELECT account, changed, login FROM logins";
/// Longest account name that is shown, in characters.
const SHOWN: usize = 100;

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Session(Vec<u8>),
    Login(Vec<u8>),
}

struct Last {
    sequence: u64,
    row: Option<Hash>,
}

/// The last record of every session and every login, and the row that it brought.
#[derive(Default)]
pub(crate) struct Brought(HashMap<Key, Last>);

impl Brought {
    /// The record at `sequence` brought this; later ones are told later.
    pub(crate) fn by(&mut self, sequence: u64, bound: &Bound<'_>) {
        let row = bound.row;
        self.0.insert(bound.subject.into(), Last { sequence, row });
    }

    /// Tells `fault` of every row that is not as it was brought, and of rows that are gone. `end` is
    /// the last record: a row that speaks of one beyond it is told elsewhere.
    pub(crate) fn compare(
        mut self,
        db: &Connection,
        end: u64,
        mut fault: impl FnMut(u64, String),
    ) -> rusqlite::Result<()> {
        for (sql, key) in [
            (SESSIONS, Key::Session as fn(Vec<u8>) -> Key),
            (LOGINS, Key::Login),
        ] {
            let mut statement = db.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let key = key(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec());
                let changed = row.get::<_, i64>(1)?.unsigned_abs();
                let last = self.0.remove(&key);
                if changed > end {
                    continue;
                }
                if let Some((sequence, what)) = wrong(&key, changed, row, last)? {
                    fault(sequence, what);
                }
            }
        }
        for (key, last) in self.0 {
            if last.row.is_some() {
                fault(last.sequence, format!("{key} that it left is gone"));
            }
        }
        Ok(())
    }
}

fn wrong(
    key: &Key,
    changed: u64,
    row: &Row<'_>,
    last: Option<Last>,
) -> rusqlite::Result<Option<(u64, String)>> {
    let Some(Last {
        sequence,
        row: left,
    }) = last
    else {
        let what = format!("{key} speaks of it, but no record left that");
        return Ok(Some((changed, what)));
    };
    let json = row.get_ref(2)?.as_bytes().unwrap_or_default();
    let as_left = left == Some(Hash::of(&[json]));
    let flagged = match key {
        Key::Session(_) => {
            let live = serde_json::from_slice::<Session>(json).is_ok_and(|s| !s.state.is_final());
            row.get::<_, i64>(3)? == i64::from(live)
        }
        Key::Login(_) => true,
    };
    let what = if !(as_left && flagged) {
        format!("{key} is not as it left that: the row was changed without a record")
    } else if changed != sequence {
        format!("{key} is as it left that, but speaks of record {changed}")
    } else {
        return Ok(None);
    };
    Ok(Some((sequence, what)))
}

impl From<Subject<'_>> for Key {
    fn from(subject: Subject<'_>) -> Self {
        match subject {
            Subject::Session(id) => Self::Session(id.to_vec()),
            Subject::Login(account) => Self::Login(account.to_vec()),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session(id) => {
                f.write_str("session `")?;
                id.iter()
                    .take(16)
                    .try_for_each(|byte| write!(f, "{byte:02x}"))?;
            }
            Self::Login(account) => {
                let account = String::from_utf8_lossy(account);
                write!(f, "the login of `{}", printable(&account, SHOWN))?;
            }
        }
        f.write_str("`")
    }
}
