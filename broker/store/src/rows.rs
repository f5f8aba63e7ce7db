//! Whether sessions, logins, approvals and locks stand as the records left them.

use std::collections::HashMap;

use rusqlite::{Connection, Row};
use valetkey_core::{Approval, Session, text::printable};

use crate::{
    bound::{Bound, Kind, Subject},
    chain::Hash,
    key,
};

const SESSIONS: &str = "SELECT id, changed, session, live FROM sessions";
const LOGINS: &str = "SELECT account, changed, login FROM logins";
const APPROVALS: &str = "SELECT id, changed, approval, session FROM approvals";
const LOCKS: &str = "SELECT holder, changed, lock FROM locks";
/// Longest name that is shown, in characters.
const SHOWN: usize = 100;

struct Last {
    sequence: u64,
    row: Option<Hash>,
}

/// The last record of every subject, and the row that it brought.
#[derive(Default)]
pub(crate) struct Brought(HashMap<Subject, Last>);

impl Brought {
    /// The record at `sequence` brought this; later ones are told later.
    pub(crate) fn by(&mut self, sequence: u64, bound: Bound) {
        let row = bound.row;
        self.0.insert(bound.subject, Last { sequence, row });
    }

    /// Tells `fault` of every row that is not as it was brought, and of rows that are gone. `end` is
    /// the last record: a row that speaks of one beyond it is told elsewhere.
    pub(crate) fn compare(
        mut self,
        db: &Connection,
        end: u64,
        mut fault: impl FnMut(u64, String),
    ) -> rusqlite::Result<()> {
        for (sql, kind) in [
            (SESSIONS, Kind::Session),
            (LOGINS, Kind::Login),
            (APPROVALS, Kind::Approval),
            (LOCKS, Kind::Lock),
        ] {
            let mut statement = db.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id = row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec();
                let subject = Subject { kind, id };
                let changed = row.get::<_, i64>(1)?.unsigned_abs();
                let last = self.0.remove(&subject);
                if changed > end {
                    continue;
                }
                if let Some((sequence, what)) = wrong(&subject, changed, row, last)? {
                    fault(sequence, what);
                }
            }
        }
        for (subject, last) in self.0 {
            if last.row.is_some() {
                fault(last.sequence, format!("{subject} that it left is gone"));
            }
        }
        Ok(())
    }
}

fn wrong(
    subject: &Subject,
    changed: u64,
    row: &Row<'_>,
    last: Option<Last>,
) -> rusqlite::Result<Option<(u64, String)>> {
    let Some(Last {
        sequence,
        row: left,
    }) = last
    else {
        let what = format!("{subject} speaks of it, but no record left that");
        return Ok(Some((changed, what)));
    };
    let json = row.get_ref(2)?.as_bytes().unwrap_or_default();
    let as_left = left == Some(Hash::of(&[json]));
    let what = if !(as_left && flagged(subject.kind, json, row)?) {
        format!("{subject} is not as it left that: the row was changed without a record")
    } else if changed != sequence {
        format!("{subject} is as it left that, but speaks of record {changed}")
    } else {
        return Ok(None);
    };
    Ok(Some((sequence, what)))
}

/// Whether the row is found by what its JSON says.
fn flagged(kind: Kind, json: &[u8], row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(match kind {
        Kind::Session => {
            let live = serde_json::from_slice::<Session>(json).is_ok_and(|s| !s.state.is_final());
            row.get::<_, i64>(3)? == i64::from(live)
        }
        Kind::Approval => {
            let of = row.get_ref(3)?.as_bytes().unwrap_or_default();
            let approval = serde_json::from_slice::<Approval>(json);
            approval.is_ok_and(|approval| key::session(approval.session) == of)
        }
        Kind::Login | Kind::Lock | Kind::Requirements => true,
    })
}

/// As `verify` names it.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = printable(&String::from_utf8_lossy(&self.id), SHOWN);
        match self.kind {
            Kind::Session => {
                f.write_str("session `")?;
                let mut id = self.id.iter().take(16);
                id.try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("`")
            }
            Kind::Login => write!(f, "the login of `{name}`"),
            Kind::Approval => write!(f, "approval `{name}`"),
            Kind::Lock => write!(f, "the lock of `{name}`"),
            Kind::Requirements => write!(f, "the requirements `{name}`"),
        }
    }
}
