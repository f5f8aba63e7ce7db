//! The port that keeps who is logged in.

use valetkey_core::{
    AccountName,
    ports::{Answer, LedgerError, LoginBook, LoginRecord},
    record::SealedRecord,
};

use crate::{Store, error::unwritable, job::Change};

impl LoginBook for Store {
    fn load(&self) -> Answer<'_, Result<Vec<LoginRecord>, LedgerError>> {
        Box::pin(async move {
            let rows = self.readers.read(|db| {
                let mut statement =
                    db.prepare_cached("SELECT login FROM logins ORDER BY account")?;
                let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
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
