//! The port that keeps who is logged in.

use rusqlite::{Connection, Row};
use valetkey_core::{
    AccountName,
    ports::{Answer, LedgerError, LoginBook, LoginRecord},
    record::SealedRecord,
    text::printable,
};

use crate::{Store, bound, chain::LedgerId, error::unwritable, job::Change};

/// With each login comes what its last record bound, where that is the record that the row speaks of.
const LOGINS: &str = "SELECT login, sequence, bound, account FROM logins LEFT JOIN records
    ON sequence = changed
    AND sequence = (SELECT max(sequence) FROM records WHERE subject = +account)
    ORDER BY account";

/// A login that its last record did not leave like this is none: the person logs in again.
fn believed(row: &Row<'_>, chain: (&Connection, LedgerId)) -> rusqlite::Result<Option<String>> {
    let login: String = row.get(0)?;
    if bound::agrees(login.as_bytes(), row, 1, chain)? {
        return Ok(Some(login));
    }
    let account = printable(&row.get::<_, String>(3)?, 100);
    tracing::error!(
        account,
        "a stored login is not as its last record left it and does not count; run `valetkey audit verify`, then log in again"
    );
    Ok(None)
}

impl LoginBook for Store {
    fn load(&self) -> Answer<'_, Result<Vec<LoginRecord>, LedgerError>> {
        Box::pin(async move {
            let ledger = self.ledger;
            let rows = self.readers.read(move |db| {
                let mut statement = db.prepare_cached(LOGINS)?;
                let rows = statement.query_map([], |row| believed(row, (db, ledger)))?;
                rows.filter_map(Result::transpose)
                    .collect::<rusqlite::Result<Vec<_>>>()
            });
            let logins = rows.await?;
            let parsed = logins.iter().map(|login| serde_json::from_str(login));
            parsed.collect::<Result<_, _>>().map_err(unwritable)
        })
    }

    fn save(
        &self,
        login: LoginRecord,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let json = serde_json::to_string(&login).map_err(unwritable)?;
            let change = Change::Login {
                dead: login.dead.is_some(),
                account: login.account,
                login: json,
                record,
            };
            self.queue.store(change).await.map(drop)
        })
    }

    fn remove<'a>(
        &'a self,
        account: &'a AccountName,
        record: SealedRecord,
    ) -> Answer<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let change = Change::Logout(account.clone(), record);
            self.queue.store(change).await.map(drop)
        })
    }
}
