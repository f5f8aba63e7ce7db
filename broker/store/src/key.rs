//! How ids and places stand in the database.

use rusqlite::{Error, Row};
use valetkey_core::SessionId;

/// The 16 bytes of a session's id.
pub(crate) fn session(id: SessionId) -> [u8; 16] {
    // An id shows itself as 32 hexadecimal digits, so the parse cannot fail.
    u128::from_str_radix(&id.to_string(), 16).map_or([0; 16], u128::to_be_bytes)
}

/// A place or a time as SQLite's integer.
pub(crate) fn integer(n: u64) -> Result<i64, Error> {
    i64::try_from(n).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// The place of a record in a column of a row, where there is one.
pub(crate) fn place(row: &Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    let place: Option<i64> = row.get(column)?;
    Ok(place.and_then(|place| u64::try_from(place).ok()))
}

#[cfg(test)]
mod tests {
    use valetkey_core::SessionId;

    #[test]
    fn an_id_is_its_bytes() {
        let id = SessionId::parse("0198c0de-0000-7000-8000-00000000000f");
        let bytes = id.map(super::session);
        assert_eq!(bytes.map(|b| (b[0], b[3], b[15])), Some((0x01, 0xde, 0x0f)));
    }
}
