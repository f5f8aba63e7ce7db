//! Who is logged in, between two runs.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use valetkey_core::{
    AccountName, User, UserId,
    ports::{Audit as _, LoginBook as _, LoginRecord},
};
use valetkey_support::contracts::ledger::note;

use crate::home::{Home, faults, forge, one, record, told};

/// More than the records that an opened store looks at.
const MANY: u64 = 70;

fn login(account: &str) -> LoginRecord {
    LoginRecord {
        account: AccountName::parse(account).unwrap(),
        user: User {
            id: UserId {
                issuer: "https://id.example.test".into(),
                subject: account.into(),
            },
            display: account.into(),
            groups: ["dev".to_owned()].into(),
        },
        confirmed: 1,
        expires: 2,
        dead: None,
    }
}

#[tokio::test]
async fn logins_are_kept_and_forgotten() {
    let home = Home::new();
    let store = home.open();
    let mut login = login("default");
    let account = login.account.clone();
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

/// Two logins, the first of which died and came back: records 1 to 4; and one that went: 5 and 6.
async fn two_logins() -> Home {
    let home = Home::new();
    let store = home.open();
    let dead = LoginRecord {
        dead: Some("gone".into()),
        ..login("alice")
    };
    for (n, login) in [
        login("alice"),
        login("bob"),
        dead,
        login("alice"),
        login("carol"),
    ]
    .into_iter()
    .enumerate()
    {
        store.save(login, note(n as u64)).await.unwrap();
    }
    let carol = login("carol").account;
    store.remove(&carol, note(6)).await.unwrap();
    record(&store, MANY).await;
    assert!(faults(&store).await.is_empty());
    home
}

#[tokio::test]
async fn a_login_that_was_edited_is_found_and_does_not_count() {
    let alice = "account = 'alice'";
    for (sql, found) in [
        (
            format!(
                "UPDATE logins SET login = json_set(login, '$.user.id.subject', 'boss') WHERE {alice}"
            ),
            4,
        ),
        (
            format!(
                "UPDATE logins SET login = json_set(login, '$.user.groups', json('[\"admins\"]')) WHERE {alice}"
            ),
            4,
        ),
        (
            format!(
                "UPDATE logins SET login = json_set(login, '$.confirmed', 9999999999) WHERE {alice}"
            ),
            4,
        ),
        (
            format!("UPDATE logins SET login = 'no JSON' WHERE {alice}"),
            4,
        ),
        (format!("UPDATE logins SET changed = 1 WHERE {alice}"), 4),
        (format!("UPDATE logins SET changed = 2 WHERE {alice}"), 4),
        (format!("DELETE FROM logins WHERE {alice}"), 4),
    ] {
        let home = two_logins().await;
        one(&home.stranger(), &sql);
        let store = home.open();
        let (place, what) = told(&store).await;
        assert_eq!(place, found, "{sql}");
        assert!(what.starts_with("the login of `alice` "), "{what}");
        assert_eq!(store.load().await.unwrap(), [login("bob")], "{sql}");
    }
}

#[tokio::test]
async fn a_login_that_was_put_in_is_found_and_does_not_count() {
    for (account, changed, found) in [
        // It was there once; it never was.
        ("carol", 5, 6),
        ("carol", 6, 6),
        ("dave", 5, 5),
    ] {
        let home = two_logins().await;
        one(
            &home.stranger(),
            &format!(
                "INSERT INTO logins (account, changed, login)
                 SELECT '{account}', {changed}, replace(login, 'alice', '{account}')
                 FROM logins WHERE account = 'alice'"
            ),
        );
        let store = home.open();
        assert_eq!(told(&store).await.0, found, "{account}");
        let believed = store.load().await.unwrap();
        assert_eq!(believed, [login("alice"), login("bob")], "{account}");
    }
}

#[tokio::test]
async fn a_login_that_was_written_into_the_row_and_its_record_does_not_count() {
    let home = two_logins().await;
    let mut boss = login("alice");
    boss.user.groups.insert("admins".to_owned());
    let json = serde_json::to_string(&boss).unwrap();
    forge(&home.stranger(), "logins", "login", 4, &json);
    let store = home.open();
    assert_eq!(store.load().await.unwrap(), [login("bob")]);
    assert_eq!(faults(&store).await, [4]);
}
