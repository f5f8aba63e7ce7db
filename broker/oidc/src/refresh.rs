//! Ask the provider again: is this still the user, and with which groups?

use std::sync::Arc;

use valetkey_core::{AccountName, User, ports::LoginRecord};

use crate::{
    engine::Engine,
    form::Form,
    provider::Tokens,
    schedule,
    trouble::Trouble,
    vault::Vault,
    verify::{self, Answers},
};

/// For how many seconds an answer counts that says nothing of its own lifetime.
const UNSTATED: u64 = 3600;

impl Engine {
    /// Refreshes a login, or joins the refresh that is in flight. The work goes on where the caller
    /// leaves.
    pub(crate) async fn refresh(self: &Arc<Self>, account: &AccountName) -> Result<User, Trouble> {
        let flight = self.refreshes.join(account, || {
            let (engine, account) = (Arc::clone(self), account.clone());
            async move { engine.refresh_alone(&account).await }
        });
        let died = Err(Trouble::Internal("a refresh died"));
        flight.outcome().await.unwrap_or(died)
    }

    async fn refresh_alone(&self, account: &AccountName) -> Result<User, Trouble> {
        let lane = self.lane(account);
        let mut vault = lane.vault.lock().await;
        // Whoever held the vault may have ended the login: a dead one is not asked about.
        let known = self.accounts.with(account, |account| {
            account.alive()?;
            Ok(account.record.clone())
        })?;
        match self.ask_again(&known, &mut vault).await {
            Ok(record) => {
                let user = record.user.clone();
                self.confirm(record).await;
                Ok(user)
            }
            Err(trouble) => {
                if let Some(reason) = trouble.ends_login() {
                    self.bury(account, &mut vault, reason).await;
                    self.accounts.with(account, |account| account.alive())?;
                    return Err(trouble);
                }
                self.note_failure(account, &trouble);
                Err(trouble)
            }
        }
    }

    async fn ask_again(
        &self,
        known: &LoginRecord,
        vault: &mut Vault,
    ) -> Result<LoginRecord, Trouble> {
        let token = vault.take_out().await?;
        let form = Form::new()
            .with("grant_type", "refresh_token")
            .with_refresh_token("refresh_token", &token);
        let mut tokens = self.provider.tokens(form).await?;
        // Before anything else: the old token may be spent already (RFC 9700 section 4.14.2).
        if let Some(rotated) = tokens.refresh.take() {
            vault.put_rotated(rotated).await?;
        }
        let record = self.confirmed_record(known, &tokens).await?;
        self.journal.logged_in(record.clone(), "refresh").await?;
        Ok(record)
    }

    /// The user as the new ID token has it. A provider may send none (OpenID Connect Core 1.0
    /// section 12.2); then it has confirmed the login, and nothing has changed.
    async fn confirmed_record(
        &self,
        known: &LoginRecord,
        tokens: &Tokens,
    ) -> Result<LoginRecord, Trouble> {
        let now = self.now().unix_seconds();
        let (user, expires) = if tokens.id.is_some() {
            let answers = Answers::Refresh(&known.user.id);
            let verified = verify::verify(&self.provider, tokens, answers).await?;
            (verified.user, verified.expires)
        } else {
            let lifetime = tokens.lifetime.unwrap_or(UNSTATED);
            (known.user.clone(), now.saturating_add(lifetime))
        };
        Ok(LoginRecord {
            account: known.account.clone(),
            user,
            confirmed: now,
            expires,
            dead: None,
        })
    }

    fn note_failure(&self, account: &AccountName, trouble: &Trouble) {
        let problem = trouble.sentence();
        tracing::warn!(%account, "the login was not renewed: {problem}");
        let (now, grace) = (self.now(), self.grace());
        let noted = self.accounts.with(account, |account| {
            let left = grace.saturating_sub(account.age(now));
            account.renews = schedule::after_failure(now, account.failures, left, &*self.entropy);
            account.failures = account.failures.saturating_add(1);
            account.problem = Some(problem);
            Ok(())
        });
        // An account that is gone needs no next time.
        drop(noted);
        self.changed.notify_one();
    }
}
