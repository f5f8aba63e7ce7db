//! What the tests of this crate share: logins at the development provider, everything around them
//! in memory, and time that moves when told.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use valetkey_codes::Code;
use valetkey_core::{
    AccountName, Event, Refusal, User,
    ports::{
        Answer, Clock as _, Freshness, LoginEvents, LoginMethod, LoginStart, LoginStatus,
        Logins as _, SecretKey, SecretStore, StoreError, StoreReport,
    },
};
use valetkey_devidp::{Config, DevIdp, Fault};
use valetkey_oidc::{Issuer, OidcLogins, ProviderConfig};
use valetkey_secret::RootSecret;
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::{ledger::MemoryLedger, logins::MemoryLoginBook, secret_store::FakeSecretStore},
};
use zeroize::Zeroizing;

use crate::browser;

/// One broker's logins, and our own provider.
pub(crate) struct World {
    pub(crate) idp: Arc<DevIdp>,
    desk: Desk,
}

/// One broker's logins, and all they are given, at whatever provider.
pub(crate) struct Desk {
    pub(crate) logins: Arc<OidcLogins>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) book: Arc<MemoryLoginBook>,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) told: Arc<Told>,
    config: ProviderConfig,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With another configuration than the default.
    pub(crate) fn with(change: impl FnOnce(&mut ProviderConfig)) -> Self {
        Self::at(DevIdp::start(Config::default()).unwrap(), change)
    }

    pub(crate) fn at(idp: DevIdp, change: impl FnOnce(&mut ProviderConfig)) -> Self {
        let desk = Desk::at(idp.issuer(), change);
        Self {
            idp: Arc::new(idp),
            desk,
        }
    }

    /// Time goes by, here and at the provider.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.pass_seconds(seconds);
        let real = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let ahead = self.clock.now().unix_seconds() - real;
        self.idp.set_clock_skew(i64::try_from(ahead).unwrap());
    }

    /// Logs this user in to the account `default` with a browser.
    pub(crate) async fn log_in(&self, user: &str) -> Result<User, Refusal> {
        let login = self.logins.begin(&account(), LoginMethod::Code).await?;
        browser::log_in(&login.start, user).await;
        login.done.await
    }

    pub(crate) async fn alice(&self) -> User {
        self.log_in("alice").await.unwrap()
    }

    /// Logs in while the provider lies in this way; gives what it was refused with.
    pub(crate) async fn refused_login(&self, fault: Fault) -> Refusal {
        self.idp.misbehave([fault]);
        self.log_in("alice").await.unwrap_err()
    }

    /// How many refresh tokens of alice the provider would take.
    pub(crate) fn live_tokens(&self) -> usize {
        let report = self.idp.report();
        report
            .live_refresh_tokens
            .get("alice")
            .copied()
            .unwrap_or(0)
    }
}

impl Deref for World {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

impl Desk {
    pub(crate) fn at(issuer: &str, change: impl FnOnce(&mut ProviderConfig)) -> Self {
        let mut config = ProviderConfig::new(Issuer::parse(issuer).unwrap(), "valetkey");
        change(&mut config);
        let clock = Arc::new(MovableClock::default());
        // Providers date their tokens by the real clock.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        clock.change(|moment| moment.unix_ms = u64::try_from(now).unwrap());
        let ledger = Arc::new(MemoryLedger::default());
        let book = Arc::new(MemoryLoginBook::new(Arc::clone(&ledger) as _));
        let keyring = Arc::new(Keyring::default());
        let told = Arc::new(Told::default());
        let logins = wire(&config, &keyring, &book, &ledger, &clock, &told);
        Self {
            logins,
            keyring,
            ledger,
            book,
            clock,
            told,
            config,
        }
    }

    /// The broker starts again with another configuration.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut ProviderConfig)) {
        change(&mut self.config);
        self.restart().await;
    }

    /// The broker starts again: what was only in memory is gone.
    pub(crate) async fn restart(&mut self) {
        self.told = Arc::default();
        self.logins = wire(
            &self.config,
            &self.keyring,
            &self.book,
            &self.ledger,
            &self.clock,
            &self.told,
        );
        self.logins.restore().await.unwrap();
    }

    pub(crate) async fn known(&self) -> Result<User, Refusal> {
        self.logins.current(&account(), Freshness::Known).await
    }

    pub(crate) async fn within(&self, seconds: u64) -> Result<User, Refusal> {
        let freshness = Freshness::Within(seconds);
        self.logins.current(&account(), freshness).await
    }

    /// Seconds since the Unix epoch, by the clock that moves when told.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().unix_seconds()
    }

    pub(crate) fn status(&self) -> LoginStatus {
        self.logins.list().first().cloned().unwrap()
    }

    /// Puts a refresh token into the keyring behind the broker's back.
    pub(crate) async fn plant(&self, token: Vec<u8>) {
        let secret = RootSecret::new(Zeroizing::new(token));
        let key = SecretKey::Login(account());
        self.keyring.write(&key, secret).await.unwrap();
    }

    /// The refresh token in the keyring.
    pub(crate) fn kept(&self) -> Option<Vec<u8>> {
        self.keyring.store.stored(&SecretKey::Login(account()))
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        let records = self.ledger.records().into_iter();
        records.map(|record| record.event).collect()
    }
}

fn wire(
    config: &ProviderConfig,
    keyring: &Arc<Keyring>,
    book: &Arc<MemoryLoginBook>,
    ledger: &Arc<MemoryLedger>,
    clock: &Arc<MovableClock>,
    told: &Arc<Told>,
) -> Arc<OidcLogins> {
    let logins = OidcLogins::new(
        config.clone(),
        Arc::clone(keyring) as _,
        Arc::clone(book) as _,
        Arc::clone(ledger) as _,
        Arc::clone(clock) as _,
        Arc::new(CountingEntropy::default()),
    )
    .unwrap();
    logins.set_events(Arc::clone(told) as _);
    Arc::new(logins)
}

/// A keyring that can also be told to take nothing more while it still gives.
#[derive(Default)]
pub(crate) struct Keyring {
    store: FakeSecretStore,
    full: AtomicBool,
}

impl Keyring {
    pub(crate) fn fail_with(&self, failure: impl Into<Option<StoreError>>) {
        self.store.fail_with(failure);
    }

    pub(crate) fn take_nothing(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }
}

impl SecretStore for Keyring {
    fn read<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<RootSecret, StoreError>> {
        self.store.read(key)
    }

    fn write<'a>(
        &'a self,
        key: &'a SecretKey,
        secret: RootSecret,
    ) -> Answer<'a, Result<(), StoreError>> {
        if self.full.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::Slow(5)) });
        }
        self.store.write(key, secret)
    }

    fn delete<'a>(&'a self, key: &'a SecretKey) -> Answer<'a, Result<(), StoreError>> {
        self.store.delete(key)
    }

    fn inspect(&self) -> Answer<'_, StoreReport> {
        self.store.inspect()
    }
}

/// What the sessions were told, in order: `confirmed alice dev,deploy` or `ended because`.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> String {
        self.all().pop().unwrap_or_default()
    }

    fn hear(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl LoginEvents for Told {
    fn confirmed<'a>(&'a self, _: &'a AccountName, user: &'a User) -> Answer<'a, ()> {
        Box::pin(async move {
            let groups: Vec<_> = user.groups.iter().map(String::as_str).collect();
            self.hear(format!(
                "confirmed {} {}",
                user.id.subject,
                groups.join(",")
            ));
        })
    }

    fn ended<'a>(&'a self, _: &'a AccountName, reason: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.hear(format!("ended {reason}")) })
    }
}

pub(crate) fn account() -> AccountName {
    AccountName::parse("default").unwrap()
}

/// That this refusal has this code, and a message with these words.
pub(crate) fn assert_refused(refusal: &Refusal, code: Code, words: &str) {
    assert_eq!(refusal.code(), code, "{refusal:?}");
    assert!(
        refusal.message().contains(words),
        "{refusal:?} lacks `{words}`"
    );
}

/// The address that a person was told to open.
pub(crate) fn url(start: &LoginStart) -> &str {
    match start {
        LoginStart::Browser { url } => url,
        LoginStart::Device {
            verification_uri, ..
        } => verification_uri,
    }
}
