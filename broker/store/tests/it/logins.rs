//! Who is logged in, between two runs.

use valetkey_core::{
    AccountName, User, UserId,
    ports::{Audit as _, LoginBook as _, LoginRecord},
};
use valetkey_support::contracts::ledger::note;

use crate::home::{Home, faults};

#[tokio::test]
async fn logins_are_kept_and_forgotten() {
    let home = Home::new();
    let store = home.open();
    let account = AccountName::parse("default").unwrap();
    let mut login = LoginRecord {
        account: account.clone(),
        user: User {
            id: UserId {
                issuer: "https://id.example.test".into(),
                subject: "alice".into(),
            },
            display: "Alice".into(),
            groups: ["dev".to_owned()].into(),
        },
        confirmed: 1,
        expires: 2,
        dead: None,
    };
    store.save(login.clone(), note(1)).await.unwrap();
    login.dead = Some("the provider said so".into());
    store.save(login.clone(), note(2)).await.unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(store.load().await.unwrap(), [login]);
    for n in [3, 4] {
        store.remove(&account, note(n)).await.unwrap();
    }
    assert_eq!(store.load().await.unwrap(), []);
    assert_eq!(store.after(0, 10).await.unwrap().len(), 4);
    assert!(faults(&store).await.is_empty());
}
