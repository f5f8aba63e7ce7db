//! The end of a login. What is local is done whether the provider answers or not.

use std::sync::Arc;

use valetkey_core::{AccountName, ports::LogoutReport};

use crate::{engine::Engine, flight::Flight, trouble::Trouble};

/// Why, as sessions and ledger read it.
const REASON: &str = "logged out";

impl Engine {
    /// Ends a login. Goes on where the caller leaves.
    pub(crate) async fn end(
        self: &Arc<Self>,
        account: &AccountName,
    ) -> Result<LogoutReport, Trouble> {
        let (engine, account) = (Arc::clone(self), account.clone());
        let flight = Flight::launch(async move { engine.end_alone(&account).await });
        let died = Err(Trouble::Internal("a logout died"));
        flight.outcome().await.unwrap_or(died)
    }

    async fn end_alone(&self, account: &AccountName) -> Result<LogoutReport, Trouble> {
        let lane = self.lane(account);
        if let Some(under_way) = lane.login.lock().await.take() {
            under_way.abandon("the account was logged out");
        }
        let mut vault = lane.vault.lock().await;
        // The authority first: nothing below may keep a session alive.
        self.accounts.with(account, |account| {
            account.record.dead = Some(REASON.to_owned());
            Ok(())
        })?;
        self.ended(account, REASON).await;

        let revoked_at_provider = match vault.take_out_last().await {
            Ok(token) => self
                .provider
                .revoke(&token)
                .await
                .map_err(|trouble| trouble.sentence()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = vault.wipe().await {
            // The account stays, dead, so that the next logout finds what this one left behind.
            let left = format!("{REASON}, but the refresh token is still in the keyring: {error}");
            if let Some(mut record) = self.accounts.record(account) {
                record.dead = Some(left.clone());
                self.journal.died(record, &left).await?;
            }
            return Err(error.into());
        }
        self.journal.logged_out(account, REASON).await?;
        self.accounts.forget(account);
        Ok(LogoutReport {
            revoked_at_provider,
        })
    }
}
