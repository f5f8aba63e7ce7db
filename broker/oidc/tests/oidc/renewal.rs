//! Staying signed in: renewal, rotation, the grace, and the end of a login.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::{
    Event,
    ports::{LedgerError, LoginBook as _, Logins as _, SecretKey, SecretStore as _, StoreError},
};
use valetkey_devidp::Fault;

use crate::world::{World, account, assert_refused};

#[tokio::test]
async fn a_renewal_keeps_the_rotated_token_and_the_new_groups() {
    let world = World::new();
    world.alice().await;
    let first = world.kept();
    world.pass(200);
    world.logins.renew_due().await;
    assert_ne!(world.kept(), first, "the provider rotates");
    assert_eq!(world.live_tokens(), 1);
    assert_eq!(world.status().problem, None);
    assert_eq!(world.told.all().len(), 2);
    let methods = world.events().into_iter().map(|event| match event {
        Event::LoggedIn { method, .. } => method,
        other => panic!("{other:?}"),
    });
    assert_eq!(methods.collect::<Vec<_>>(), ["code", "refresh"]);
}

#[tokio::test]
async fn nothing_is_renewed_before_half_of_its_life() {
    let world = World::new();
    world.alice().await;
    let status = world.status();
    let wait = status.renews - status.confirmed;
    assert!(
        (135..=166).contains(&wait),
        "{wait} is not about half of 300 s"
    );
    world.pass(120);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters().refresh, 0);
    world.pass(60);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters().refresh, 1);
}

#[tokio::test]
async fn a_hundred_callers_make_one_request_and_open_no_browser() {
    let world = World::new();
    world.alice().await;
    world.pass(4000);
    let before = world.idp.counters();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let logins = Arc::clone(&world.logins);
        callers.spawn(async move {
            let freshness = valetkey_core::ports::Freshness::Within(0);
            logins.current(&account(), freshness).await.unwrap()
        });
    }
    for user in callers.join_all().await {
        assert_eq!(user.id.subject, "alice");
    }
    let after = world.idp.counters();
    assert_eq!(after.token - before.token, 1);
    assert_eq!(after.authorize, before.authorize);
}

#[tokio::test]
async fn a_hundred_callers_of_an_expired_login_all_learn_it_from_one_request() {
    let world = World::new();
    world.alice().await;
    world.idp.revoke_user("alice");
    world.pass(4000);
    let before = world.idp.counters();
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let logins = Arc::clone(&world.logins);
        callers.spawn(async move {
            let freshness = valetkey_core::ports::Freshness::Within(0);
            logins
                .current(&account(), freshness)
                .await
                .unwrap_err()
                .code()
        });
    }
    assert_eq!(callers.join_all().await, [Code::LoginExpired; 100]);
    let after = world.idp.counters();
    assert_eq!(after.token - before.token, 1);
    assert_eq!(after.authorize, before.authorize);
}

#[tokio::test]
async fn invalid_grant_ends_the_login_at_once() {
    let world = World::new();
    world.alice().await;
    world.idp.revoke_user("alice");
    world.pass(200);
    world.logins.renew_due().await;
    assert!(
        world.told.last().starts_with("ended"),
        "{:?}",
        world.told.all()
    );
    assert!(world.told.last().contains("invalid_grant"));
    assert_eq!(world.kept(), None, "a spent token is not kept");
    assert!(
        matches!(world.events().last(), Some(Event::LoggedOut { reason, .. }) if reason.contains("invalid_grant"))
    );
    assert!(world.status().problem.unwrap().contains("invalid_grant"));

    // From here on it is known, and nobody is asked.
    let before = world.idp.counters();
    world.idp.go_down();
    for refusal in [world.known().await, world.within(0).await] {
        assert_refused(
            &refusal.unwrap_err(),
            Code::LoginExpired,
            "the login has ended",
        );
    }
    world.pass(100_000);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters(), before);
}

#[tokio::test]
async fn a_dead_login_stays_dead_over_a_restart_and_a_new_one_wakes_the_sessions() {
    let mut world = World::new();
    world.alice().await;
    world.idp.misbehave([Fault::TokenInvalidGrant]);
    assert_eq!(
        world.within(0).await,
        world.within(0).await,
        "fresh enough for both"
    );
    world.pass(10);
    world.within(0).await.unwrap_err();
    world.restart().await;
    let refusal = world.known().await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "the login has ended");
    world.idp.misbehave([]);
    world.alice().await;
    assert_eq!(world.told.last(), "confirmed alice deploy,dev");
    assert!(world.known().await.is_ok());
}

/// What may pass does not end a login: it is told, and tried again.
#[tokio::test]
async fn another_subject_ends_the_login() {
    let world = World::new();
    world.alice().await;
    world.idp.misbehave([Fault::WrongSubjectOnRefresh]);
    world.pass(200);
    world.logins.renew_due().await;
    assert!(
        world.told.last().contains("another user"),
        "{:?}",
        world.told.all()
    );
    assert_eq!(world.known().await.unwrap_err().code(), Code::LoginExpired);
}

#[tokio::test]
async fn a_refresh_may_answer_without_id_token_or_new_refresh_token() {
    let world = World::new();
    let user = world.alice().await;
    let kept = world.kept();
    world
        .idp
        .misbehave([Fault::NoIdTokenOnRefresh, Fault::NoRefreshToken]);
    world.pass(200);
    assert_eq!(world.within(10).await, Ok(user));
    assert_eq!(world.kept(), kept);
    assert_eq!(world.status().confirmed, world.now());
}

#[tokio::test]
async fn a_refresh_token_that_somebody_else_spent_ends_the_login() {
    let mut world = World::new();
    world.alice().await;
    let stolen = world.kept().unwrap();
    world.pass(10);
    world.within(0).await.unwrap();
    // A restored disk image: the keyring has the old token again.
    world.plant(stolen).await;
    world.restart().await;
    world.pass(10);
    assert_eq!(
        world.within(0).await.unwrap_err().code(),
        Code::LoginExpired
    );
    assert_eq!(
        world.live_tokens(),
        0,
        "the provider ends the family, ours with it"
    );
}

#[tokio::test]
async fn a_locked_keyring_is_not_a_dead_login() {
    let world = World::new();
    world.alice().await;
    world.keyring.fail_with(StoreError::Locked);
    world.pass(200);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters().refresh, 0, "nothing was spent");
    assert_eq!(
        world.status().problem.as_deref(),
        Some("the keyring is locked")
    );
    assert!(world.known().await.is_ok());
    let refusal = world.within(0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::KeyringLocked);
    world.keyring.fail_with(None);
    world.pass(20);
    world.logins.renew_due().await;
    assert_eq!(world.status().problem, None);
}

#[tokio::test]
async fn a_rotated_token_that_the_keyring_does_not_take_is_not_lost() {
    let world = World::new();
    world.alice().await;
    let spent = world.kept();
    world.keyring.take_nothing(true);
    world.pass(200);
    let refusal = world.within(0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::KeyringSlow);
    assert_eq!(world.kept(), spent);
    assert_eq!(world.told.all().len(), 1, "what is not kept is not used");
    // Nothing more is spent while the keyring takes nothing.
    world.within(0).await.unwrap_err();
    assert_eq!(world.idp.counters().refresh, 1);

    world.keyring.take_nothing(false);
    assert!(world.within(0).await.is_ok());
    assert_ne!(world.kept(), spent);
    assert_eq!(world.live_tokens(), 1);
}

#[tokio::test]
async fn a_logout_revokes_the_token_that_the_keyring_did_not_take() {
    let world = World::new();
    world.alice().await;
    world.keyring.take_nothing(true);
    world.pass(200);
    world.within(0).await.unwrap_err();
    let report = world.logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
    assert_eq!(world.live_tokens(), 0);
    assert_eq!(world.kept(), None);
}

#[tokio::test]
async fn a_token_that_vanished_from_the_keyring_ends_the_login_and_says_so() {
    let world = World::new();
    world.alice().await;
    world
        .keyring
        .delete(&SecretKey::Login(account()))
        .await
        .unwrap();
    world.pass(10);
    let refusal = world.within(0).await.unwrap_err();
    assert_refused(
        &refusal,
        Code::LoginExpired,
        "no longer holds the refresh token",
    );
    assert!(world.told.last().starts_with("ended"));
}

#[tokio::test]
async fn a_renewal_that_cannot_be_recorded_confirms_nothing_and_loses_nothing() {
    let world = World::new();
    world.alice().await;
    let first = world.kept();
    world
        .ledger
        .break_with(Some(LedgerError::Unwritable("disk full".into())));
    world.pass(200);
    let refusal = world.within(0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::AuditUnavailable);
    assert_ne!(
        world.kept(),
        first,
        "the rotated token is kept all the same"
    );
    assert_eq!(world.told.all().len(), 1);
    world.ledger.break_with(None);
    assert!(world.within(0).await.is_ok());
}

#[tokio::test]
async fn an_end_that_cannot_be_recorded_suspends_all_the_same() {
    let world = World::new();
    world.alice().await;
    world.ledger.break_with(Some(LedgerError::Slow));
    world.idp.revoke_user("alice");
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.told.last().starts_with("ended"));
    assert_eq!(world.known().await.unwrap_err().code(), Code::LoginExpired);
    let book = world.book.load().await.unwrap();
    assert_eq!(book[0].dead, None, "a restart asks the provider again");
}

#[tokio::test]
async fn required_claims_are_required_of_every_renewal() {
    let mut world = World::new();
    world.alice().await;
    world
        .restart_with(|config| {
            let admins = valetkey_oidc::Accepted::One("admins".into());
            config.required_claims.insert("groups".into(), admins);
        })
        .await;
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.told.last().contains("lacks the claim `groups`"));
    let refusal = world.known().await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "lacks the claim `groups`");
}

#[tokio::test]
async fn the_loop_renews_by_itself_and_stops_when_told() {
    let world = World::new();
    world.alice().await;
    world.pass(200);
    let stop = CancellationToken::new();
    let logins = Arc::clone(&world.logins);
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { logins.renew_forever(stop).await }
    });
    world.idp.seen(|counters| counters.refresh == 1).await;
    stop.cancel();
    running.await.unwrap();
}
