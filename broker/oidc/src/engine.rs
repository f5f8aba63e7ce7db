//! What every operation on a login needs, and the locks that keep two of them apart.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::sync::Notify;
use valetkey_core::{
    AccountName, Moment, User,
    ports::{Entropy, LoginEvents, LoginRecord, SecretStore},
};

use crate::{
    accounts::{Account, Accounts},
    flight::Flights,
    journal::Journal,
    login::UnderWay,
    provider::Provider,
    schedule,
    trouble::Trouble,
    vault::Vault,
};

pub(crate) struct Engine {
    pub(crate) provider: Provider,
    pub(crate) accounts: Accounts,
    pub(crate) journal: Journal,
    pub(crate) refreshes: Flights<Result<User, Trouble>>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Told when something may be due earlier than was thought.
    pub(crate) changed: Notify,
    pub(crate) events: OnceLock<Arc<dyn LoginEvents>>,
    secrets: Arc<dyn SecretStore>,
    lanes: Mutex<BTreeMap<AccountName, Arc<Lane>>>,
}

/// What only one may do at a time, for one account.
pub(crate) struct Lane {
    /// The login that is under way. Taken before `vault` where both are.
    pub(crate) login: tokio::sync::Mutex<Option<UnderWay>>,
    /// The refresh token, and with it every change of the account.
    pub(crate) vault: tokio::sync::Mutex<Vault>,
}

impl Engine {
    pub(crate) fn new(
        provider: Provider,
        journal: Journal,
        secrets: Arc<dyn SecretStore>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            provider,
            accounts: Accounts::default(),
            journal,
            refreshes: Flights::default(),
            entropy,
            changed: Notify::new(),
            events: OnceLock::new(),
            secrets,
            lanes: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.provider.clock.now()
    }

    pub(crate) const fn grace(&self) -> u64 {
        self.provider.config.grace_seconds
    }

    pub(crate) fn lane(&self, account: &AccountName) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(account.clone()).or_insert_with(|| {
            Arc::new(Lane {
                login: tokio::sync::Mutex::default(),
                vault: tokio::sync::Mutex::new(Vault::new(Arc::clone(&self.secrets), account)),
            })
        });
        Arc::clone(lane)
    }

    /// The provider confirmed this login: known from now on, and told to the sessions. The caller
    /// holds the account's vault and has made it durable.
    pub(crate) async fn confirm(&self, record: LoginRecord) {
        let now = self.now();
        let lifetime = record.expires.saturating_sub(now.unix_seconds());
        let renews = schedule::after_success(now, lifetime, self.grace(), &*self.entropy);
        let (account, user) = (record.account.clone(), record.user.clone());
        self.accounts.put(Account::confirmed(record, now, renews));
        self.changed.notify_one();
        if let Some(events) = self.events.get() {
            events.confirmed(&account, &user).await;
        }
    }

    /// The account's authority is over: its sessions are suspended when this is ready.
    pub(crate) async fn ended(&self, account: &AccountName, reason: &str) {
        tracing::warn!(%account, "the login has ended: {reason}");
        if let Some(events) = self.events.get() {
            events.ended(account, reason).await;
        }
    }

    /// The login is dead: at once in memory and for the sessions, then in the book. The caller holds
    /// the account's vault.
    pub(crate) async fn bury(&self, account: &AccountName, vault: &mut Vault, reason: String) {
        let buried = self.accounts.with(account, |account| {
            account.record.dead = Some(reason.clone());
            Ok(account.record.clone())
        });
        let Ok(record) = buried else { return };
        self.ended(account, &reason).await;
        if let Err(trouble) = self.journal.died(record, &reason).await {
            // A restart finds the login alive, asks the provider, and is told the same.
            tracing::error!(%account, "the end of the login was not stored: {}", trouble.sentence());
        }
        if let Err(error) = vault.wipe().await {
            // It is good for nothing any more; a new login overwrites it.
            tracing::warn!(%account, "the spent refresh token stays in the keyring: {error}");
        }
    }
}
