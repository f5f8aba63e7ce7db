//! What a record brought about: the row of a session, a login, an approval or a lock as it stands from
//! then on.
//!
//! The records are chained, the rows are not; a row is worth what the last record of its subject
//! says. So a record that changes a row carries the row's SHA-256, both are hashed into the chain,
//! and a row that does not agree lends nothing.

use rusqlite::{
    Connection, Row, ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};
use valetkey_core::{AccountName, ApprovalId, LockHolder};

use crate::{
    chain::{Hash, LedgerId},
    link,
};

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Session,
    Login,
    Approval,
    Lock,
    /// No row: what is to be found again is the record itself.
    Requirements,
}

impl Kind {
    /// How it goes into the chain.
    pub(crate) const fn tag(self) -> &'static [u8] {
        match self {
            Self::Session => b"s",
            Self::Login => b"l",
            Self::Approval => b"a",
            Self::Lock => b"k",
            Self::Requirements => b"r",
        }
    }

    /// What stands before the id in the column. No account's name has a space, so none begins like this.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session | Self::Login => "",
            Self::Approval => "approval ",
            Self::Lock => "lock ",
            Self::Requirements => "requirements ",
        }
    }
}

/// Whose row it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// The 16 bytes of a session's id, an account's name, the digits of an approval's id, or the holder
    /// of a lock.
    pub(crate) id: Vec<u8>,
}

impl Subject {
    pub(crate) fn session(id: [u8; 16]) -> Self {
        Self {
            kind: Kind::Session,
            id: id.into(),
        }
    }

    pub(crate) fn login(account: &AccountName) -> Self {
        Self {
            kind: Kind::Login,
            id: account.as_str().into(),
        }
    }

    pub(crate) fn approval(id: ApprovalId) -> Self {
        Self {
            kind: Kind::Approval,
            id: id.to_string().into(),
        }
    }

    pub(crate) fn lock(holder: LockHolder) -> Self {
        Self {
            kind: Kind::Lock,
            id: holder.id().into(),
        }
    }

    /// Signed requirements of any version.
    pub(crate) fn requirements() -> Self {
        Self {
            kind: Kind::Requirements,
            id: b"signed".into(),
        }
    }

    fn in_text(text: &[u8]) -> Self {
        let tagged = [Kind::Approval, Kind::Lock, Kind::Requirements]
            .into_iter()
            .find_map(|kind| {
                let id = text.strip_prefix(kind.prefix().as_bytes())?;
                Some((kind, id))
            });
        let (kind, id) = tagged.unwrap_or((Kind::Login, text));
        let id = id.to_vec();
        Self { kind, id }
    }
}

/// A subject and its row.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) subject: Subject,
    /// SHA-256 of the row's JSON; `None` where the row is gone from then on.
    pub(crate) row: Option<Hash>,
}

impl Bound {
    /// `json` is what the row says, `None` where it went.
    pub(crate) fn new(subject: Subject, json: Option<&str>) -> Self {
        Self {
            subject,
            row: json.map(|json| Hash::of(&[json.as_bytes()])),
        }
    }

    /// What stands in these columns, whatever was done to them.
    pub(crate) fn read(row: &Row<'_>, subject: usize, bound: usize) -> Option<Self> {
        let subject = match row.get_ref(subject).ok()? {
            ValueRef::Blob(id) => Subject {
                kind: Kind::Session,
                id: id.to_vec(),
            },
            ValueRef::Text(text) => Subject::in_text(text),
            _ => return None,
        };
        let row = row.get_ref(bound).ok()?.as_bytes().ok();
        Some(Self {
            subject,
            row: row.and_then(Hash::from_slice),
        })
    }
}

/// Whether the row that says `json` is the one that its record brought, and that record is one of the
/// chain. The record's place stands in column `place`, what it bound in the next.
pub(crate) fn agrees(
    json: &[u8],
    row: &Row<'_>,
    place: usize,
    (db, ledger): (&Connection, LedgerId),
) -> rusqlite::Result<bool> {
    let bound = row.get_ref(place + 1)?.as_bytes().ok();
    Ok(bound.and_then(Hash::from_slice) == Some(Hash::of(&[json]))
        && link::holds(db, ledger, row.get(place)?)?)
}

/// The type in the database tells sessions from the rest, the beginning of the text tells approvals and
/// locks from logins.
impl ToSql for Subject {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.kind {
            Kind::Session => ToSqlOutput::Borrowed(ValueRef::Blob(&self.id)),
            Kind::Login => ToSqlOutput::Borrowed(ValueRef::Text(&self.id)),
            Kind::Approval | Kind::Lock | Kind::Requirements => {
                let id = String::from_utf8_lossy(&self.id);
                let text = format!("{}{id}", self.kind.prefix());
                ToSqlOutput::Owned(Value::Text(text))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use valetkey_core::{AccountName, ApprovalId, LockHolder};

    use super::{Bound, Kind, Subject};

    #[test]
    fn every_subject_reads_back_from_its_column() {
        let db = Connection::open_in_memory().unwrap();
        let account = AccountName::parse("work").unwrap();
        let approval = ApprovalId::parse("0198c0de00007000800000000000000f").unwrap();
        for subject in [
            Subject::session([7; 16]),
            Subject::login(&account),
            Subject::approval(approval),
            Subject::lock(LockHolder::Owner),
            Subject::lock(LockHolder::Admin),
            Subject::requirements(),
        ] {
            let read = db.query_row("SELECT ?1, NULL", [&subject], |row| {
                Ok(Bound::read(row, 0, 1))
            });
            assert_eq!(read.unwrap().unwrap().subject, subject);
        }
    }

    #[test]
    fn an_account_is_not_taken_for_a_lock() {
        for name in ["lock", "lock-owner", "approval", "requirements"] {
            let subject = Subject::login(&AccountName::parse(name).unwrap());
            assert_eq!(Subject::in_text(&subject.id).kind, Kind::Login);
        }
    }
}
