//! What a login survives, for how long, and who is told when it is over.

use valetkey_codes::Code;
use valetkey_core::ports::StoreError;
use valetkey_devidp::Fault;

use crate::world::{World, assert_refused};

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
    assert!(
        world.told.last().starts_with("ended"),
        "{:?}",
        world.told.all()
    );
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
        let next = world.status().renews.saturating_sub(world.now()).max(1);
        world.pass(next);
        world.logins.renew_due().await;
        if world.told.last().starts_with("ended") {
            assert!(world.now() - begun <= 603, "{} s", world.now() - begun);
            return;
        }
    }
    panic!("nobody was told");
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
    let problem = world.status().problem.unwrap();
    assert!(problem.contains("for more than 10 min"), "{problem}");
    world.logins.renew_due().await;
    assert!(
        world.told.all()[0].starts_with("ended"),
        "{:?}",
        world.told.all()
    );
}

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
    world
        .idp
        .misbehave([Fault::TokenHuge, Fault::NoRefreshToken]);
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
        seen = world.idp.seen(|counters| counters.refresh == 1) => assert_eq!(seen.refresh, 1),
    }
    assert!(
        world.known().await.is_ok(),
        "answered while the refresh hangs"
    );
    renewal.await;
    assert!(
        world
            .status()
            .problem
            .unwrap()
            .contains("no answer within 1 s")
    );
}
