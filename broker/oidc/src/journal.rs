//! What is durable of a login beside its refresh token: the book's entry, and the ledger's record.

use std::sync::Arc;

use valetkey_core::{
    AccountName, Event, Record,
    ports::{Clock, Ledger, LoginBook, LoginRecord},
    record::SealedRecord,
};

use crate::trouble::Trouble;

pub(crate) struct Journal {
    pub(crate) book: Arc<dyn LoginBook>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Journal {
    pub(crate) async fn load(&self) -> Result<Vec<LoginRecord>, Trouble> {
        Ok(self.book.load().await?)
    }

    /// A login or a renewal, in one durable step with its record.
    pub(crate) async fn logged_in(&self, login: LoginRecord, method: &str) -> Result<(), Trouble> {
        let record = self.seal(Event::LoggedIn {
            account: login.account.clone(),
            user: login.user.id.clone(),
            method: method.to_owned(),
        })?;
        Ok(self.book.save(login, record).await?)
    }

    /// A login that only a new one can replace.
    pub(crate) async fn died(&self, login: LoginRecord, reason: &str) -> Result<(), Trouble> {
        let record = self.seal(Event::LoggedOut {
            account: login.account.clone(),
            reason: reason.to_owned(),
        })?;
        Ok(self.book.save(login, record).await?)
    }

    /// A login that is gone.
    pub(crate) async fn logged_out(
        &self,
        account: &AccountName,
        reason: &str,
    ) -> Result<(), Trouble> {
        let record = self.seal(Event::LoggedOut {
            account: account.clone(),
            reason: reason.to_owned(),
        })?;
        Ok(self.book.remove(account, record).await?)
    }

    /// A login that did not come to be. Where the ledger fails, it did not come to be either.
    pub(crate) async fn refused(&self, account: &AccountName, trouble: &Trouble) {
        let refusal = trouble.refusal();
        let event = Event::LoginRefused {
            account: account.clone(),
            code: refusal.code().row().id.to_owned(),
            detail: refusal.detail().unwrap_or_default().to_owned(),
        };
        let recorded = match self.seal(event) {
            Ok(record) => self
                .ledger
                .record(record)
                .await
                .map(drop)
                .map_err(Trouble::from),
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = recorded {
            tracing::error!(%account, "a refused login was not recorded: {}", trouble.sentence());
        }
    }

    fn seal(&self, event: Event) -> Result<SealedRecord, Trouble> {
        let record = Record {
            at: self.clock.now().unix_ms,
            request: None,
            session: None,
            event,
        };
        SealedRecord::new(record).map_err(|_| Trouble::Internal("a record cannot be written"))
    }
}
