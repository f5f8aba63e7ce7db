//! The port `Logins`, for one OpenID provider.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use valetkey_core::{
    AccountName, Refusal, User,
    ports::{
        Answer, Clock, Entropy, Freshness, Ledger, LoginBook, LoginEvents, LoginMethod,
        LoginStatus, Logins, LogoutReport, PendingLogin, SecretStore,
    },
};

use crate::{
    config::{ConfigError, ProviderConfig},
    engine::Engine,
    journal::Journal,
    provider::Provider,
    trouble::Trouble,
};

/// Logins at one OpenID provider. Every method must be called on a tokio runtime with time and I/O.
pub struct OidcLogins(Arc<Engine>);

impl OidcLogins {
    /// Reads the certificates that will be trusted; speaks to nobody.
    pub fn new(
        config: ProviderConfig,
        secrets: Arc<dyn SecretStore>,
        book: Arc<dyn LoginBook>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ConfigError> {
        let journal = Journal {
            book,
            ledger,
            clock: Arc::clone(&clock),
        };
        let provider = Provider::new(config, Arc::clone(&secrets), clock)?;
        Ok(Self(Arc::new(Engine::new(
            provider, journal, secrets, entropy,
        ))))
    }

    /// Who is told when a login changes. Once, before [`Self::renew_forever`]; a second time changes
    /// nothing. Apart from `new`, because whoever is told is made from a broker that has this.
    pub fn set_events(&self, events: Arc<dyn LoginEvents>) {
        drop(self.0.events.set(events));
    }

    /// Reads what earlier runs wrote in the book. Asks neither provider nor keyring.
    pub async fn restore(&self) -> Result<(), Refusal> {
        let restored = self.0.restore().await;
        restored.map_err(|trouble| trouble.refusal())
    }

    /// Renews every login whose time has come by the clock, and ends those whose grace is over.
    pub async fn renew_due(&self) {
        self.0.renew_due().await;
    }

    /// Renews in the background until `stop` is cancelled.
    pub async fn renew_forever(&self, stop: CancellationToken) {
        self.0.renew_forever(stop).await;
    }

    async fn user(&self, account: &AccountName, freshness: Freshness) -> Result<User, Trouble> {
        let engine = &self.0;
        let (now, grace) = (engine.now(), engine.grace());
        let known = engine.accounts.with(account, |account| {
            account.alive()?;
            match freshness {
                Freshness::Known => account.known(now, grace).map(Some),
                Freshness::Within(seconds) if account.age(now) <= seconds.min(grace) => {
                    account.known(now, grace).map(Some)
                }
                Freshness::Within(_) => Ok(None),
            }
        })?;
        match known {
            Some(user) => Ok(user),
            None => engine.refresh(account).await,
        }
    }
}

impl Logins for OidcLogins {
    fn begin<'a>(
        &'a self,
        account: &'a AccountName,
        method: LoginMethod,
    ) -> Answer<'a, Result<PendingLogin, Refusal>> {
        Box::pin(async move {
            let begun = self.0.begin(account, method).await;
            begun.map_err(|trouble| trouble.refusal())
        })
    }

    fn current<'a>(
        &'a self,
        account: &'a AccountName,
        freshness: Freshness,
    ) -> Answer<'a, Result<User, Refusal>> {
        Box::pin(async move {
            let user = self.user(account, freshness).await;
            user.map_err(|trouble| trouble.refusal())
        })
    }

    fn end<'a>(&'a self, account: &'a AccountName) -> Answer<'a, Result<LogoutReport, Refusal>> {
        Box::pin(async move {
            let ended = self.0.end(account).await;
            ended.map_err(|trouble| trouble.refusal())
        })
    }

    fn list(&self) -> Vec<LoginStatus> {
        self.0.accounts.list(self.0.now(), self.0.grace())
    }
}
