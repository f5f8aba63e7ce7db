//! Signing out: at the provider, in the keyring, in the book.

use valetkey_codes::Code;
use valetkey_core::{
    Event,
    ports::{LedgerError, LoginBook as _, LoginMethod, Logins as _, StoreError},
};
use valetkey_devidp::Fault;

use crate::world::{World, account, assert_refused};

#[tokio::test]
async fn a_logout_revokes_wipes_and_forgets() {
    let world = World::new();
    world.alice().await;
    let report = world.logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
    assert_eq!(world.live_tokens(), 0);
    assert_eq!(world.kept(), None);
    assert_eq!(world.book.load().await.unwrap(), []);
    assert_eq!(world.told.last(), "ended logged out");
    assert!(matches!(
        world.events().last(),
        Some(Event::LoggedOut { .. })
    ));
    assert_eq!(world.known().await.unwrap_err().code(), Code::NotLoggedIn);
}

#[tokio::test]
async fn what_is_local_is_done_without_the_provider() {
    for down in [true, false] {
        let world = World::new();
        world.alice().await;
        if down {
            world.idp.go_down();
        } else {
            world.idp.misbehave([Fault::RevocationUnavailable]);
        }
        let report = world.logins.end(&account()).await.unwrap();
        let why = report.revoked_at_provider.unwrap_err();
        assert!(
            why.contains("the identity provider does not answer"),
            "{why}"
        );
        assert_eq!(world.kept(), None);
        assert_eq!(world.logins.list(), []);
        assert_eq!(world.told.last(), "ended logged out");
    }
}

#[tokio::test]
async fn a_locked_keyring_ends_the_authority_and_is_told() {
    let world = World::new();
    world.alice().await;
    world.keyring.fail_with(StoreError::Locked);
    let refusal = world.logins.end(&account()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::KeyringLocked);
    assert_eq!(world.told.last(), "ended logged out");
    assert_eq!(world.known().await.unwrap_err().code(), Code::LoginExpired);
    assert!(world.kept().is_some());

    world.keyring.fail_with(None);
    let report = world.logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
    assert_eq!(world.kept(), None);
    assert_eq!(world.logins.list(), []);
}

#[tokio::test]
async fn a_logout_that_cannot_be_recorded_leaves_no_authority() {
    let mut world = World::new();
    world.alice().await;
    world.ledger.break_with(Some(LedgerError::Slow));
    let refusal = world.logins.end(&account()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::AuditUnavailable);
    assert_eq!(world.kept(), None);
    assert_eq!(world.known().await.unwrap_err().code(), Code::LoginExpired);
    world.ledger.break_with(None);
    world.restart().await;
    world.pass(10);
    let refusal = world.within(0).await.unwrap_err();
    assert_refused(
        &refusal,
        Code::LoginExpired,
        "no longer holds the refresh token",
    );
}

#[tokio::test]
async fn a_logout_ends_the_login_that_is_under_way() {
    let world = World::new();
    world.alice().await;
    let again = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    world.logins.end(&account()).await.unwrap();
    let refusal = again.done.await.unwrap_err();
    assert_refused(&refusal, Code::LoginAbandoned, "logged out");
    assert_eq!(world.logins.list(), []);
}

#[tokio::test]
async fn a_dead_login_can_be_logged_out() {
    let world = World::new();
    world.alice().await;
    world.idp.revoke_user("alice");
    world.pass(10);
    world.within(0).await.unwrap_err();
    let report = world.logins.end(&account()).await.unwrap();
    assert!(
        report.revoked_at_provider.is_err(),
        "there was nothing to revoke any more"
    );
    assert_eq!(world.logins.list(), []);
}
