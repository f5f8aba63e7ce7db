//! Staying signed in: renewal, rotation, the grace, and the end of a login.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::{
    Event,
    ports::{LedgerError, LoginBook as _, Logins as _, SecretKey, SecretStore as _, StoreError},
};
use valetkey_devidp::{Counters, Fault};

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
    assert!((135..=166).contains(&wait), "{wait} is not about half of 300 s");
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
            logins.current(&account(), freshness).await.unwrap_err().code()
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
    assert!(world.told.last().starts_with("ended"), "{:?}", world.told.all());
    assert!(world.told.last().contains("invalid_grant"));
    assert_eq!(world.kept(), None, "a spent token is not kept");
    assert!(matches!(world.events().last(), Some(Event::LoggedOut { reason, .. }) if reason.contains("invalid_grant")));
    assert!(world.status().problem.unwrap().contains("invalid_grant"));

    // From here on it is known, and nobody is asked.
    let before = world.idp.counters();
    world.idp.go_down();
    for refusal in [world.known().await, world.within(0).await] {
        assert_refused(&refusal.unwrap_err(), Code::LoginExpired, "the login has ended");
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
    assert_eq!(world.within(0).await, world.within(0).await, "fresh enough for both");
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

#[tokio::test]
async fn a_login_survives_a_restart_without_asking_anybody() {
    let mut world = World::new();
    let user = world.alice().await;
    let before = world.idp.counters();
    world.keyring.fail_with(StoreError::Locked);
    world.restart().await;
    assert_eq!(world.known().await, Ok(user));
    assert_eq!(world.idp.counters(), before);
    let status = world.status();
    assert_eq!(status.renews - status.confirmed, 150);

    world.keyring.fail_with(None);
    world.pass(151);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters().refresh, before.refresh + 1);
    assert_eq!(world.told.last(), "confirmed alice deploy,dev");
}

#[tokio::test]
async fn an_unreachable_provider_is_survived_for_the_grace_and_no_longer() {
    let world = World::with(|config| config.grace_seconds = 600);
    world.alice().await;
    world.idp.go_down();
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.known().await.is_ok());
    assert!(world.status().problem.unwrap().contains("no connection"));
    let refusal = world.within(60).await.unwrap_err();
    assert_refused(&refusal, Code::UpstreamUnavailable, "no connection");

    world.pass(401);
    let refusal = world.known().await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "for more than 10 min");
    assert_eq!(world.told.all().len(), 1, "nobody has looked yet");
    world.logins.renew_due().await;
    assert!(world.told.last().starts_with("ended"), "{:?}", world.told.all());
    assert!(world.told.last().contains("10 min"));
    world.pass(400);
    world.logins.renew_due().await;
    assert_eq!(world.told.all().len(), 2, "told once");

    world.idp.come_back().unwrap();
    world.pass(400);
    world.logins.renew_due().await;
    assert_eq!(world.told.last(), "confirmed alice deploy,dev");
    assert!(world.known().await.is_ok());
    assert_eq!(world.status().problem, None);
}

#[tokio::test]
async fn the_grace_is_over_for_sessions_in_time_although_retries_are_far_apart() {
    let world = World::with(|config| config.grace_seconds = 600);
    world.alice().await;
    world.idp.go_down();
    let begun = world.status().confirmed;
    for _ in 0..20 {
        let next = world.status().renews.saturating_sub(now(&world)).max(1);
        world.pass(next);
        world.logins.renew_due().await;
        if world.told.last().starts_with("ended") {
            assert!(now(&world) - begun <= 603, "{} s", now(&world) - begun);
            return;
        }
    }
    panic!("nobody was told");
}

fn now(world: &World) -> u64 {
    use valetkey_core::ports::Clock as _;
    world.clock.now().unix_seconds()
}

#[tokio::test]
async fn a_restart_after_the_grace_lends_nothing() {
    let mut world = World::with(|config| config.grace_seconds = 600);
    world.alice().await;
    world.idp.go_down();
    world.pass(700);
    world.restart().await;
    let refusal = world.known().await.unwrap_err();
    assert_eq!(refusal.code(), Code::LoginExpired);
    world.logins.renew_due().await;
    assert!(world.told.all()[0].starts_with("ended"), "{:?}", world.told.all());
}

/// What may pass does not end a login: it is told, and tried again.
#[tokio::test]
async fn what_may_pass_is_survived() {
    let faults = [
        (Fault::TokenServerError, "status 500"),
        (Fault::TokenGarbage, "cannot be read"),
        (Fault::Expired, "not of this time"),
        (Fault::WrongKey, "signature"),
        (Fault::AlgNone, "not at all"),
        (Fault::WrongAudience, "another client"),
        (Fault::WrongIssuer, "another issuer"),
    ];
    for (fault, words) in faults {
        let world = World::new();
        world.alice().await;
        world.idp.misbehave([fault]);
        world.pass(200);
        world.logins.renew_due().await;
        let problem = world.status().problem.unwrap();
        assert!(problem.contains(words), "{fault:?}: {problem}");
        assert!(world.known().await.is_ok(), "{fault:?}");
        assert_eq!(world.told.all().len(), 1, "{fault:?}");

        world.idp.misbehave([]);
        world.pass(20);
        world.logins.renew_due().await;
        assert_eq!(world.status().problem, None, "{fault:?}");
        assert_eq!(world.told.all().len(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_too_long_to_read_costs_the_login_only_if_it_carried_the_token() {
    let world = World::new();
    world.alice().await;
    world.idp.misbehave([Fault::TokenHuge, Fault::NoRefreshToken]);
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.status().problem.unwrap().contains("longer than"));
    world.idp.misbehave([]);
    world.pass(20);
    world.logins.renew_due().await;
    assert_eq!(world.status().problem, None);
}

#[tokio::test]
async fn a_provider_that_hangs_stops_neither_the_known_nor_the_loop() {
    let world = World::with(|config| config.request_timeout_seconds = 1);
    world.alice().await;
    world.idp.misbehave([Fault::TokenHangs]);
    world.pass(200);
    let renewal = world.logins.renew_due();
    tokio::pin!(renewal);
    tokio::select! {
        () = &mut renewal => panic!("it hangs"),
        seen = world.idp.seen(|counters| counters.refresh == 1) => drop(seen),
    }
    assert!(world.known().await.is_ok(), "answered while the refresh hangs");
    renewal.await;
    assert!(world.status().problem.unwrap().contains("no answer within 1 s"));
}

#[tokio::test]
async fn another_subject_ends_the_login() {
    let world = World::new();
    world.alice().await;
    world.idp.misbehave([Fault::WrongSubjectOnRefresh]);
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.told.last().contains("another user"), "{:?}", world.told.all());
    assert_eq!(world.known().await.unwrap_err().code(), Code::LoginExpired);
}

#[tokio::test]
async fn a_refresh_may_answer_without_id_token_or_new_refresh_token() {
    let world = World::new();
    let user = world.alice().await;
    let kept = world.kept();
    world.idp.misbehave([Fault::NoIdTokenOnRefresh, Fault::NoRefreshToken]);
    world.pass(200);
    assert_eq!(world.within(10).await, Ok(user));
    assert_eq!(world.kept(), kept);
    assert_eq!(world.status().confirmed, now(&world));
}

#[tokio::test]
async fn a_refresh_token_that_somebody_else_spent_ends_the_login() {
    let mut world = World::new();
    world.alice().await;
    let stolen = world.kept().unwrap();
    world.pass(10);
    world.within(0).await.unwrap();
    // A restored disk image: the keyring has the old token again.
    let key = SecretKey::Login(account());
    let secret = valetkey_secret::RootSecret::new(zeroize::Zeroizing::new(stolen));
    world.keyring.write(&key, secret).await.unwrap();
    world.restart().await;
    world.pass(10);
    assert_eq!(world.within(0).await.unwrap_err().code(), Code::LoginExpired);
    assert_eq!(world.live_tokens(), 0, "the provider ends the family, ours with it");
}

#[tokio::test]
async fn a_locked_keyring_is_not_a_dead_login() {
    let world = World::new();
    world.alice().await;
    world.keyring.fail_with(StoreError::Locked);
    world.pass(200);
    world.logins.renew_due().await;
    assert_eq!(world.idp.counters().refresh, 0, "nothing was spent");
    assert_eq!(world.status().problem.as_deref(), Some("the keyring is locked"));
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
    world.pass(200);
    // The keyring locks while the provider is being asked.
    world.idp.misbehave([Fault::TokenHangs]);
    let mut before = Counters::default();
    {
        let renewal = world.within(0);
        tokio::pin!(renewal);
        tokio::select! {
            _ = &mut renewal => panic!("it hangs"),
            seen = world.idp.seen(|counters| counters.refresh == 1) => before = seen,
        }
    }
    assert_eq!(before.refresh, 1);
    assert_eq!(world.kept(), spent);
}

#[tokio::test]
async fn a_token_that_vanished_from_the_keyring_ends_the_login_and_says_so() {
    let world = World::new();
    world.alice().await;
    world.keyring.delete(&SecretKey::Login(account())).await.unwrap();
    world.pass(10);
    let refusal = world.within(0).await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "no longer holds the refresh token");
    assert!(world.told.last().starts_with("ended"));
}

#[tokio::test]
async fn a_renewal_that_cannot_be_recorded_confirms_nothing_and_loses_nothing() {
    let world = World::new();
    world.alice().await;
    let first = world.kept();
    world.ledger.break_with(Some(LedgerError::Unwritable("disk full".into())));
    world.pass(200);
    let refusal = world.within(0).await.unwrap_err();
    assert_eq!(refusal.code(), Code::AuditUnavailable);
    assert_ne!(world.kept(), first, "the rotated token is kept all the same");
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
    let world = World::with(|config| {
        let dev = valetkey_oidc::Accepted::One("deploy".into());
        config.required_claims.insert("groups".into(), dev);
    });
    world.alice().await;
    // Somebody else's token is the nearest that the provider has to a user who left a group.
    world.idp.misbehave([Fault::WrongSubjectOnRefresh]);
    world.pass(200);
    world.logins.renew_due().await;
    assert!(world.told.last().starts_with("ended"));
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
