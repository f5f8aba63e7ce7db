//! What is known of each account right now, without asking anybody.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use valetkey_core::{
    AccountName, Deadline, Moment, User,
    ports::{LoginRecord, LoginStatus},
};

use crate::trouble::Trouble;

/// One account.
pub(crate) struct Account {
    pub(crate) record: LoginRecord,
    /// The clocks when the provider last confirmed it, where that was in this run.
    heard: Option<Moment>,
    /// When it is renewed next.
    pub(crate) renews: Deadline,
    /// Renewals that failed since the last confirmation.
    pub(crate) failures: u32,
    /// What the last one failed of.
    pub(crate) problem: Option<String>,
    /// The grace is over and the sessions were told.
    pub(crate) lapsed: bool,
}

impl Account {
    /// As the book has it from an earlier run.
    pub(crate) const fn restored(record: LoginRecord, renews: Deadline) -> Self {
        Self {
            record,
            heard: None,
            renews,
            failures: 0,
            problem: None,
            lapsed: false,
        }
    }

    /// As the provider confirmed it just now.
    pub(crate) const fn confirmed(record: LoginRecord, now: Moment, renews: Deadline) -> Self {
        Self {
            record,
            heard: Some(now),
            renews,
            failures: 0,
            problem: None,
            lapsed: false,
        }
    }

    /// Seconds since the provider confirmed it: the more of what the two clocks say, so that setting
    /// a clock back makes nothing younger. A confirmation from the future has no age and is taken
    /// for infinitely old.
    pub(crate) fn age(&self, now: Moment) -> u64 {
        let by_wall = now.unix_seconds().checked_sub(self.record.confirmed);
        let by_run = self.heard.map(|heard| now.ms_since(heard) / 1000);
        match (by_wall, by_run) {
            (Some(wall), Some(run)) => wall.max(run),
            (Some(age), None) | (None, Some(age)) => age,
            (None, None) => u64::MAX,
        }
    }

    /// The user, where the provider's last word is younger than the grace.
    pub(crate) fn known(&self, now: Moment, grace: u64) -> Result<User, Trouble> {
        self.alive()?;
        if self.age(now) > grace {
            return Err(Trouble::Ended(self.lapse(grace)));
        }
        Ok(self.record.user.clone())
    }

    /// Whether a renewal could still help.
    pub(crate) fn alive(&self) -> Result<(), Trouble> {
        match &self.record.dead {
            Some(why) => Err(Trouble::Ended(format!("the login has ended: {why}"))),
            None => Ok(()),
        }
    }

    /// Why the grace is over, in words.
    pub(crate) fn lapse(&self, grace: u64) -> String {
        let why = self.problem.as_deref().unwrap_or("it was not asked");
        format!(
            "the login was not confirmed by the identity provider for more than {}: {why}",
            duration(grace)
        )
    }

    fn status(&self, now: Moment, grace: u64) -> LoginStatus {
        let unusable = self.known(now, grace).err();
        LoginStatus {
            account: self.record.account.clone(),
            user: self.record.user.clone(),
            confirmed: self.record.confirmed,
            renews: self.renews.unix_ms / 1000,
            alive: unusable.is_none(),
            problem: unusable
                .map(|trouble| trouble.sentence())
                .or_else(|| self.problem.clone()),
        }
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<BTreeMap<AccountName, Account>>);

impl Accounts {
    /// Looks at one account.
    pub(crate) fn with<T>(
        &self,
        name: &AccountName,
        look: impl FnOnce(&mut Account) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut accounts = self.lock();
        let account = accounts.get_mut(name);
        look(account.ok_or_else(|| Trouble::NotLoggedIn(name.clone()))?)
    }

    pub(crate) fn put(&self, account: Account) {
        self.lock().insert(account.record.account.clone(), account);
    }

    pub(crate) fn forget(&self, name: &AccountName) {
        self.lock().remove(name);
    }

    pub(crate) fn record(&self, name: &AccountName) -> Option<LoginRecord> {
        self.lock().get(name).map(|account| account.record.clone())
    }

    pub(crate) fn list(&self, now: Moment, grace: u64) -> Vec<LoginStatus> {
        let accounts = self.lock();
        let all = accounts.values();
        all.map(|account| account.status(now, grace)).collect()
    }

    /// The names of those for which `which` holds, which may change them.
    pub(crate) fn pick(&self, mut which: impl FnMut(&mut Account) -> bool) -> Vec<AccountName> {
        let mut accounts = self.lock();
        let picked = accounts
            .iter_mut()
            .filter_map(|(name, account)| which(account).then(|| name.clone()));
        picked.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountName, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds as a person says them.
fn duration(seconds: u64) -> String {
    let (amount, unit) = match seconds {
        s if s >= 3600 && s % 3600 == 0 => (s / 3600, "h"),
        s if s >= 60 && s % 60 == 0 => (s / 60, "min"),
        s => (s, "s"),
    };
    format!("{amount} {unit}")
}

#[cfg(test)]
mod tests {
    use valetkey_core::{AccountName, Boot, Moment, User, UserId, ports::LoginRecord};

    use super::{Account, duration};

    const NOW: Moment = Moment {
        unix_ms: 1_800_000_000_000,
        boot_us: 50_000_000,
        boot: Boot(7),
    };

    fn record() -> LoginRecord {
        LoginRecord {
            account: AccountName::parse("default").unwrap(),
            user: User {
                id: UserId {
                    issuer: "https://id.example.test".into(),
                    subject: "alice".into(),
                },
                display: "Alice".into(),
                groups: Default::default(),
            },
            confirmed: NOW.unix_seconds(),
            expires: NOW.unix_seconds() + 300,
            dead: None,
        }
    }

    #[test]
    fn setting_the_wall_clock_back_makes_no_login_younger() {
        let account = Account::confirmed(record(), NOW, NOW.after(10));
        let back = Moment {
            unix_ms: NOW.unix_ms - 3_600_000,
            boot_us: NOW.boot_us + 100_000_000,
            ..NOW
        };
        assert_eq!(account.age(back), 100);
        assert!(account.known(back, 99).is_err());
        assert!(account.known(back, 100).is_ok());
    }

    #[test]
    fn the_clock_that_says_more_is_believed() {
        let account = Account::confirmed(record(), NOW, NOW.after(10));
        let later = |wall_ms, boot_us| Moment {
            unix_ms: NOW.unix_ms + wall_ms,
            boot_us: NOW.boot_us + boot_us,
            ..NOW
        };
        assert_eq!(account.age(later(10_000, 100_000_000)), 100);
        assert_eq!(account.age(later(100_000, 10_000_000)), 100);
    }

    #[test]
    fn a_restored_login_from_the_future_is_not_believed() {
        let account = Account::restored(record(), NOW.after(10));
        let earlier = Moment {
            unix_ms: NOW.unix_ms - 1_000,
            boot: Boot(8),
            ..NOW
        };
        assert_eq!(account.age(NOW), 0);
        assert_eq!(account.age(earlier), u64::MAX);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(14_400), "4 h");
        assert_eq!(duration(90), "90 s");
        assert_eq!(duration(120), "2 min");
    }
}
