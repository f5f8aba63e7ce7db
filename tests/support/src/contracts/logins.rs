//! Contract of the logins, one function per promise.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite panics where a promise is broken"
)]

use std::{any::Any, sync::Arc};

use futures_util::future::join_all;
use valetkey_codes::Code;
use valetkey_core::{
    AccountName,
    ports::{Answer, Freshness, LoginMethod, LoginStart, Logins},
};

/// What the suite works on: fresh logins, and somebody who can do what they ask.
pub struct Subject {
    /// Nobody is logged in.
    pub logins: Arc<dyn Logins>,
    /// Logs `alice` in to the account `default`, when shown what there is to do.
    pub person: Box<dyn Fn(LoginStart) -> Answer<'static, ()>>,
    /// What must outlive them, such as a provider.
    pub keep: Box<dyn Any>,
}

/// Every promise.
pub async fn all(make: impl AsyncFn() -> Subject) {
    nobody_is_logged_in_at_first(&make().await).await;
    a_login_is_known_when_it_is_done(&make().await).await;
    two_begins_are_one_login(&make().await).await;
    a_login_needs_nobody_who_waits(&make().await).await;
    what_is_ended_is_forgotten(&make().await).await;
    accounts_are_apart(&make().await).await;
}

async fn nobody_is_logged_in_at_first(subject: &Subject) {
    let Subject { logins, .. } = subject;
    assert_eq!(logins.list(), []);
    for freshness in [Freshness::Known, Freshness::Within(0)] {
        let refusal = logins.current(&account(), freshness).await.unwrap_err();
        assert_eq!(refusal.code(), Code::NotLoggedIn);
    }
    let refusal = logins.end(&account()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::NotLoggedIn);
}

async fn a_login_is_known_when_it_is_done(subject: &Subject) {
    let logins = &subject.logins;
    let login = logins.begin(&account(), LoginMethod::Code).await.unwrap();
    (subject.person)(login.start).await;
    let user = login.done.await.unwrap();
    assert_eq!(user.id.subject, "alice");
    for freshness in [
        Freshness::Known,
        Freshness::Within(3600),
        Freshness::Within(0),
    ] {
        let current = logins.current(&account(), freshness).await;
        assert_eq!(current, Ok(user.clone()));
    }
    let listed = logins.list();
    assert_eq!(listed.len(), 1);
    let status = &listed[0];
    assert_eq!(status.account, account());
    assert_eq!(status.user, user);
    assert_eq!(status.problem, None);
}

async fn two_begins_are_one_login(subject: &Subject) {
    let begins = (0..20).map(|_| async {
        let login = subject.logins.begin(&account(), LoginMethod::Code).await;
        login.unwrap()
    });
    let begun = join_all(begins).await;
    let start = begun[0].start.clone();
    assert!(begun.iter().all(|login| login.start == start));
    (subject.person)(start).await;
    for outcome in join_all(begun.into_iter().map(|login| login.done)).await {
        assert_eq!(outcome.unwrap().id.subject, "alice");
    }
}

async fn a_login_needs_nobody_who_waits(subject: &Subject) {
    let logins = &subject.logins;
    let left = logins.begin(&account(), LoginMethod::Code).await.unwrap();
    drop(left.done);
    let stays = logins.begin(&account(), LoginMethod::Code).await.unwrap();
    assert_eq!(left.start, stays.start);
    (subject.person)(left.start).await;
    assert_eq!(stays.done.await.unwrap().id.subject, "alice");
}

async fn what_is_ended_is_forgotten(subject: &Subject) {
    let logins = &subject.logins;
    let login = logins.begin(&account(), LoginMethod::Code).await.unwrap();
    (subject.person)(login.start).await;
    login.done.await.unwrap();
    let report = logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
    assert_eq!(logins.list(), []);
    let refusal = logins.current(&account(), Freshness::Known).await;
    assert_eq!(refusal.unwrap_err().code(), Code::NotLoggedIn);
}

async fn accounts_are_apart(subject: &Subject) {
    let logins = &subject.logins;
    let login = logins.begin(&account(), LoginMethod::Code).await.unwrap();
    (subject.person)(login.start).await;
    login.done.await.unwrap();
    let other = AccountName::parse("other").unwrap();
    let refusal = logins.current(&other, Freshness::Known).await;
    assert_eq!(refusal.unwrap_err().code(), Code::NotLoggedIn);
    assert_eq!(
        logins.end(&other).await.unwrap_err().code(),
        Code::NotLoggedIn
    );
    assert!(logins.current(&account(), Freshness::Known).await.is_ok());
}

fn account() -> AccountName {
    AccountName::parse("default").unwrap()
}
