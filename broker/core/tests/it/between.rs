//! What changes while a request is on its way.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Boot, Event, Session, lifecycle,
    ports::{Answer, Effect, LedgerError, LoginEvents as _},
};

use crate::{
    ledger::{At, Mishap},
    world::{World, account, ask},
};

type Happens = fn(&World, &Session) -> Answer<'static, ()>;

/// A thing that happens to a session, and what a request then answers.
const CHANGES: &[(&str, Happens, Code)] = &[
    ("the caller dies", dies, Code::CallerGone),
    ("an admin revokes", revoked, Code::SessionRevoked),
    ("the developer ends it", ended, Code::SessionEnded),
    ("the login ends", suspended, Code::SessionSuspended),
    ("its time runs out", runs_out, Code::SessionExpired),
    (
        "its time runs out by the wall clock alone",
        wall_runs_out,
        Code::SessionExpired,
    ),
];

#[tokio::test]
async fn what_happens_while_the_source_works_is_seen_before_the_token_is_released() {
    for (name, happens, code) in CHANGES {
        let (world, session) = World::with_session().await;
        let event = happens(&world, &session);
        world.source.meanwhile(event);
        let refused = world
            .token(session.id, ask())
            .await
            .map(|r| r.lease().clone());
        assert_eq!(refused.unwrap_err().code(), *code, "{name}");
        assert_eq!(world.source.fake.obtained(), 1, "{name}");
        assert!(!world.events().contains(&"issued"), "{name}");
        assert!(matches!(world.last(), Event::TokenRefused { .. }), "{name}");
    }
}

/// The last moment: after step 7 and before the ledger. The ledger's order decides.
#[tokio::test]
async fn a_revocation_that_the_ledger_heard_of_first_wins() {
    let changes: [(&str, Happens, Code); 3] = [
        ("revoked", revoked, Code::SessionRevoked),
        ("ended", ended, Code::SessionEnded),
        ("suspended", suspended, Code::SessionSuspended),
    ];
    for (name, happens, code) in changes {
        let (world, session) = World::with_session().await;
        let event = happens(&world, &session);
        world.ledger.expect(At::Outcome, Mishap::ComesAfter(event));
        let refused = world
            .token(session.id, ask())
            .await
            .map(|r| r.lease().clone());
        assert_eq!(refused.unwrap_err().code(), code, "{name}");
        assert!(!world.events().contains(&"issued"), "{name}");
    }
}

#[tokio::test]
async fn a_session_that_the_disk_lost_sight_of_gets_nothing() {
    let (world, session) = World::with_session().await;
    world
        .ledger
        .expect(At::Outcome, Mishap::Fails(LedgerError::SessionGone));
    let refused = world
        .token(session.id, ask())
        .await
        .map(|r| r.lease().clone());
    assert_eq!(refused.unwrap_err().code(), Code::SessionEnded);
}

#[tokio::test]
async fn a_permit_grows_stale() {
    for (waited, fresh) in [(0, true), (29, true), (30, false), (3000, false)] {
        let (world, session) = World::with_session_and(Effect::Upstream).await;
        let clock = Arc::clone(&world.clock);
        let wait = async move { clock.pass_seconds(waited) };
        world
            .ledger
            .expect(At::Intent, Mishap::ComesAfter(Box::pin(wait)));
        let outcome = world
            .token(session.id, ask())
            .await
            .map(|r| r.lease().clone());
        assert_eq!(
            outcome.as_ref().map_err(|r| r.code()).err(),
            (!fresh).then_some(Code::DeadlineExceeded)
        );
        assert_eq!(
            world.events().contains(&"issued"),
            fresh,
            "after {waited} s"
        );
        let asked = world.source.fake.obtained();
        assert_eq!(asked, usize::from(fresh), "after {waited} s");
    }
}

/// A suspended machine: the session's clock went on, whatever the wall clock says.
#[tokio::test]
async fn a_wall_clock_set_back_keeps_no_permit_fresh() {
    let (world, session) = World::with_session_and(Effect::Upstream).await;
    let clock = Arc::clone(&world.clock);
    let sleep = async move {
        clock.change(|now| {
            now.unix_ms -= 3_600_000;
            now.boot_us += 31_000_000;
        });
    };
    world
        .ledger
        .expect(At::Intent, Mishap::ComesAfter(Box::pin(sleep)));
    let refused = world
        .token(session.id, ask())
        .await
        .map(|r| r.lease().clone());
    assert_eq!(refused.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn after_a_reboot_the_wall_clock_counts() {
    let (world, session) = World::with_session().await;
    let reboot = |seconds: u64| {
        world.clock.change(|now| {
            now.unix_ms += seconds * 1000;
            now.boot_us = 1;
            now.boot = Boot(now.boot.0 + 1);
        });
    };
    reboot(3000);
    let lease = world
        .token(session.id, ask())
        .await
        .unwrap()
        .lease()
        .clone();
    assert_eq!(
        lease.grant.lifetime, 600,
        "of the hour ten minutes are left"
    );
    reboot(600);
    let refused = world
        .token(session.id, ask())
        .await
        .map(|r| r.lease().clone());
    assert_eq!(refused.unwrap_err().code(), Code::SessionExpired);
}

fn dies(world: &World, _: &Session) -> Answer<'static, ()> {
    let callers = Arc::clone(&world.callers);
    Box::pin(async move { callers.end() })
}

fn revoked(world: &World, session: &Session) -> Answer<'static, ()> {
    let (broker, id) = (world.broker.clone(), session.id);
    Box::pin(async move {
        let boss = account("boss");
        let authority = lifecycle::authority(&broker, &boss, "revoke")
            .await
            .unwrap();
        let target = lifecycle::RevokeTarget::Session(id);
        lifecycle::revoke(&broker, &authority, &boss, target, "drill")
            .await
            .unwrap();
    })
}

fn ended(world: &World, session: &Session) -> Answer<'static, ()> {
    let (broker, id) = (world.broker.clone(), session.id);
    Box::pin(async move {
        lifecycle::end(&broker, id).await.unwrap();
    })
}

fn suspended(world: &World, session: &Session) -> Answer<'static, ()> {
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    let account = session.account.clone();
    Box::pin(async move { follow.ended(&account, "invalid_grant").await })
}

fn runs_out(world: &World, _: &Session) -> Answer<'static, ()> {
    let clock = Arc::clone(&world.clock);
    Box::pin(async move { clock.pass_seconds(3600) })
}

fn wall_runs_out(world: &World, _: &Session) -> Answer<'static, ()> {
    let clock = Arc::clone(&world.clock);
    Box::pin(async move { clock.change(|now| now.unix_ms += 3_600_000) })
}
