//! Sessions follow the login that lends them its authority.

use std::sync::Arc;

use crate::{
    AccountName, Broker, Session, User,
    ports::{Answer, LoginEvents, SessionFilter},
};

use super::change::change;

/// Suspends and wakes sessions as their user's login ends and comes back.
pub struct SessionsFollowLogins(Broker);

impl SessionsFollowLogins {
    /// For the wiring: whoever keeps the logins is given this.
    pub const fn new(broker: Broker) -> Self {
        Self(broker)
    }

    async fn each(&self, account: &AccountName, next: impl Fn(&Session) -> Option<Session>) {
        let listed = self.0.ports.sessions.list(SessionFilter::Live).await;
        let sessions: Vec<Arc<Session>> = listed.unwrap_or_default();
        for listed in sessions.iter().filter(|s| s.account == *account) {
            // As it is now: one that was held since it was listed stays held.
            let Some(session) = self.0.ports.sessions.load(listed.id) else {
                continue;
            };
            if let Some(next) = next(&session) {
                // A session whose change is not durable still shows it; the store has logged why.
                drop(change(&self.0, &session, next).await);
            }
        }
    }
}

impl LoginEvents for SessionsFollowLogins {
    fn confirmed<'a>(&'a self, account: &'a AccountName, user: &'a User) -> Answer<'a, ()> {
        Box::pin(self.each(account, |session| session.renew(user)))
    }

    fn ended<'a>(&'a self, account: &'a AccountName, reason: &'a str) -> Answer<'a, ()> {
        Box::pin(self.each(account, |session| session.suspend(reason.to_owned())))
    }
}
