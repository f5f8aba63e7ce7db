//! Logins in memory, and the book that real ones are kept in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use valetkey_codes::Code;
use valetkey_core::{
    AccountName, Refusal, User,
    ports::{
        Answer, Freshness, Ledger, LedgerError, LoginBook, LoginMethod, LoginRecord, LoginStart,
        LoginStatus, Logins, LogoutReport, PendingLogin,
    },
    record::SealedRecord,
};

/// Logins without a provider: a test says who has logged in.
#[derive(Default)]
pub struct FakeLogins(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    users: BTreeMap<AccountName, Login>,
    under_way: BTreeMap<AccountName, watch::Sender<Option<User>>>,
    asked_within: Vec<u64>,
}

struct Login {
    user: User,
    dead: Option<String>,
}

impl FakeLogins {
    /// `account` is logged in as `user` from now on; whoever waits for that learns it.
    pub fn log_in(&self, account: &AccountName, user: User) {
        let mut inner = self.lock();
        if let Some(waiting) = inner.under_way.remove(account) {
            waiting.send_replace(Some(user.clone()));
        }
        inner
            .users
            .insert(account.clone(), Login { user, dead: None });
    }

    /// The provider no longer knows the login.
    pub fn kill(&self, account: &AccountName, reason: &str) {
        if let Some(login) = self.lock().users.get_mut(account) {
            login.dead = Some(reason.to_owned());
        }
    }

    /// The freshness that [`Logins::current`] was asked for, in seconds, in order.
    pub fn asked_within(&self) -> Vec<u64> {
        self.lock().asked_within.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logins for FakeLogins {
    fn begin<'a>(
        &'a self,
        account: &'a AccountName,
        method: LoginMethod,
    ) -> Answer<'a, Result<PendingLogin, Refusal>> {
        Box::pin(async move {
            let mut inner = self.lock();
            let under_way = inner.under_way.entry(account.clone()).or_default();
            let mut done = under_way.subscribe();
            Ok(PendingLogin {
                start: start(account, method),
                done: Box::pin(async move {
                    match done.wait_for(Option::is_some).await.as_deref() {
                        Ok(Some(user)) => Ok(user.clone()),
                        _ => Err(Code::LoginAbandoned.into()),
                    }
                }),
            })
        })
    }

    fn current<'a>(
        &'a self,
        account: &'a AccountName,
        freshness: Freshness,
    ) -> Answer<'a, Result<User, Refusal>> {
        Box::pin(async move {
            let mut inner = self.lock();
            if let Freshness::Within(seconds) = freshness {
                inner.asked_within.push(seconds);
            }
            match inner.users.get(account) {
                None => Err(Code::NotLoggedIn.into()),
                Some(Login { dead: Some(_), .. }) => Err(Code::LoginExpired.into()),
                Some(login) => Ok(login.user.clone()),
            }
        })
    }

    fn end<'a>(&'a self, account: &'a AccountName) -> Answer<'a, Result<LogoutReport, Refusal>> {
        Box::pin(async move {
            match self.lock().users.remove(account) {
                None => Err(Code::NotLoggedIn.into()),
                Some(_) => Ok(LogoutReport {
                    revoked_at_provider: Ok(()),
                }),
            }
        })
    }

    fn list(&self) -> Vec<LoginStatus> {
        let inner = self.lock();
        let status = |(account, login): (&AccountName, &Login)| LoginStatus {
            account: account.clone(),
            user: login.user.clone(),
            confirmed: 0,
            renews: 0,
            alive: login.dead.is_none(),
            problem: login.dead.clone(),
        };
        inner.users.iter().map(status).collect()
    }
}

fn start(account: &AccountName, method: LoginMethod) -> LoginStart {
    match method {
        LoginMethod::Code => LoginStart::Browser {
            url: format!("http://127.0.0.1:1/login/{account}"),
        },
        LoginMethod::Device => LoginStart::Device {
            verification_uri: "http://127.0.0.1:1/device".into(),
            verification_uri_complete: None,
            user_code: "FAKE-CODE".into(),
            expires_in: 300,
        },
    }
}

/// A login book in memory that writes its records to a ledger, both or neither.
pub struct MemoryLoginBook {
    ledger: Arc<dyn Ledger>,
    logins: Mutex<BTreeMap<AccountName, LoginRecord>>,
}

impl MemoryLoginBook {
    /// An empty book beside this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self {
            ledger,
            logins: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountName, LoginRecord>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoginBook for MemoryLoginBook {
    fn load(&self) -> Answer<'_, Result<Vec<LoginRecord>, LedgerError>> {
        Box::pin(async move { Ok(self.lock().values().cloned().collect()) })
    }

    fn save(
        &self,
        login: LoginRecord,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            self.ledger.record(record).await?;
            self.lock().insert(login.account.clone(), login);
            Ok(())
        })
    }

    fn remove<'a>(
        &'a self,
        account: &'a AccountName,
        record: SealedRecord,
    ) -> Answer<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            self.ledger.record(record).await?;
            self.lock().remove(account);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use valetkey_core::{AccountName, User, UserId};

    use super::FakeLogins;
    use crate::contracts::logins::{Subject, all};

    #[tokio::test]
    async fn keeps_the_contract() {
        all(async || {
            let logins = Arc::new(FakeLogins::default());
            let person = Arc::clone(&logins);
            Subject {
                logins,
                person: Box::new(move |_| {
                    let person = Arc::clone(&person);
                    Box::pin(async move {
                        let account = AccountName::parse("default").unwrap();
                        person.log_in(&account, alice());
                    })
                }),
                keep: Box::new(()),
            }
        })
        .await;
    }

    fn alice() -> User {
        User {
            id: UserId {
                issuer: "https://id.example.test".into(),
                subject: "alice".into(),
            },
            display: "Alice".into(),
            groups: ["dev".to_owned()].into(),
        }
    }
}
