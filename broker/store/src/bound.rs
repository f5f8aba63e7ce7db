//! What a record brought about: the row of a session or a login as it stands from then on.
//!
//! The records are chained, the rows are not; a row is worth what the last record of its subject
//! says. So a record that changes a row carries the row's SHA-256, both are hashed into the chain,
//! and a row that does not agree lends nothing.

use rusqlite::{
    Row, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::chain::Hash;

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject<'a> {
    /// The 16 bytes of a session's id.
    Session(&'a [u8]),
    /// An account's name.
    Login(&'a [u8]),
}

/// A subject and its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'a> {
    pub(crate) subject: Subject<'a>,
    /// SHA-256 of the row's JSON; `None` where the row is gone from then on.
    pub(crate) row: Option<Hash>,
}

impl<'a> Bound<'a> {
    pub(crate) fn session(id: &'a [u8; 16], json: &str) -> Self {
        Self {
            subject: Subject::Session(id),
            row: Some(Hash::of(&[json.as_bytes()])),
        }
    }

    pub(crate) fn login(account: &'a str, json: Option<&str>) -> Self {
        Self {
            subject: Subject::Login(account.as_bytes()),
            row: json.map(|json| Hash::of(&[json.as_bytes()])),
        }
    }

    /// What stands in these columns, whatever was done to them.
    pub(crate) fn read(row: &'a Row<'_>, subject: usize, bound: usize) -> Option<Self> {
        let subject = match row.get_ref(subject).ok()? {
            ValueRef::Blob(id) => Subject::Session(id),
            ValueRef::Text(account) => Subject::Login(account),
            _ => return None,
        };
        let row = row.get_ref(bound).ok()?.as_bytes().ok();
        Some(Self {
            subject,
            row: row.and_then(Hash::from_slice),
        })
    }
}

/// Whether the row that says `json` is the one that its record brought, as stands in column `bound`.
pub(crate) fn agrees(json: &[u8], row: &Row<'_>, bound: usize) -> rusqlite::Result<bool> {
    let bound = row.get_ref(bound)?.as_bytes().ok();
    Ok(bound.and_then(Hash::from_slice) == Some(Hash::of(&[json])))
}

/// The type in the database tells sessions from logins.
impl ToSql for Subject<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Session(id) => ValueRef::Blob(id),
            Self::Login(account) => ValueRef::Text(account),
        }))
    }
}
