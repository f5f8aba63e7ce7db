//! Logins made older than they are, between two runs of the broker.

use std::sync::Arc;

use valetkey_core::{
    Event, Record,
    ports::{Clock as _, LoginBook as _, LoginRecord},
    record::SealedRecord,
};
use valetkey_store::{Options, Store};
use valetkey_support::{CountingEntropy, MovableClock, fakes::secret_store::FakeSecretStore};

use crate::World;

impl World {
    /// Changes what is stored of a login, with a record of its own, as a renewal would. The broker must
    /// not be running.
    pub fn edit_login(&self, account: &str, edit: impl FnOnce(&mut LoginRecord)) {
        let clock = Arc::new(MovableClock::default());
        let options = Options::new(
            Arc::clone(&clock) as _,
            Arc::new(CountingEntropy::default()),
            Arc::new(FakeSecretStore::default()),
        );
        let store = Store::open(&self.database(), options).expect("the database opens");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let logins = store.load().await.expect("logins");
            let mut login = logins
                .into_iter()
                .find(|login| login.account.as_str() == account)
                .expect("the login is there");
            edit(&mut login);
            let record = Record {
                at: clock.now().unix_ms,
                request: None,
                session: None,
                event: Event::LoggedIn {
                    account: login.account.clone(),
                    user: login.user.id.clone(),
                    method: "refresh".to_owned(),
                },
            };
            let record = SealedRecord::new(record).expect("a record");
            store.save(login, record).await.expect("it is stored");
        });
    }
}
