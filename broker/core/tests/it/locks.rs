//! While a lock is held nothing is given, and only its holder lifts it.

use valetkey_codes::Code;
use valetkey_core::{
    Event, LockHolder,
    approval::{Answer, State},
    approvals, grants,
    lifecycle::{self, Authority},
    ports::{Effect, LedgerError},
};

use crate::{
    doors::Told,
    ledger::{At, Mishap},
    people::write,
    world::{World, account, ask, start},
};

async fn authority(world: &World, name: &str) -> Authority {
    lifecycle::authority(&world.broker, &account(name), "lock")
        .await
        .unwrap()
}

async fn admin_lock(world: &World) {
    let boss = authority(world, "boss").await;
    lifecycle::admin_lock(&world.broker, &boss, &account("boss"), "incident")
        .await
        .unwrap();
}

#[tokio::test]
async fn every_session_refuses_and_none_begins() {
    for (by_admin, code) in [(false, Code::Locked), (true, Code::LockedByAdmin)] {
        let (world, session) = World::with_tiers().await;
        let remembered = world.pending(session.id, write()).await;
        world
            .say("alice", remembered, Answer::Session)
            .await
            .unwrap();
        if by_admin {
            admin_lock(&world).await;
        } else {
            lifecycle::lock(&world.broker, "lunch\u{7}").await.unwrap();
        }
        let Event::MachineLocked { holder, lock } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(holder == LockHolder::Admin, by_admin);
        assert_eq!(lock.by.is_some(), by_admin);
        assert!(!lock.reason.contains('\u{7}'));
        assert_eq!(world.doors.told().last(), Some(&Told::Changed(session.id)));

        let asked = world.policy.heard().len();
        for asked in [ask(), write()] {
            assert_eq!(world.refused(session.id, asked).await.code(), code);
        }
        assert_eq!(world.policy.heard().len(), asked, "no policy was asked");
        let refused = lifecycle::start(&world.broker, start("bob", "coder")).await;
        assert_eq!(refused.unwrap_err().code(), code);
        let caller = world.callers.caller().unwrap();
        let refused = grants::session(&world.broker, session.id, &caller);
        assert_eq!(refused.unwrap_err().code(), code);
        assert_eq!(world.source.fake.obtained(), 0);
    }
}

#[tokio::test]
async fn no_yes_counts_and_every_no_does() {
    for by_admin in [false, true] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        let remembered = world.pending(session.id, crate::people::nth(700)).await;
        world
            .say("alice", remembered, Answer::Session)
            .await
            .unwrap();
        let code = if by_admin {
            admin_lock(&world).await;
            Code::LockedByAdmin
        } else {
            lifecycle::lock(&world.broker, "lunch").await.unwrap();
            Code::Locked
        };
        for answer in [Answer::Once, Answer::For(600), Answer::Session] {
            assert_eq!(world.not_heard("alice", id, answer).await, code);
        }
        approvals::take_back(&world.broker, &account("alice"), remembered)
            .await
            .unwrap();
        world.say("alice", id, Answer::No).await.unwrap();
        assert!(matches!(world.state(id), State::Refused { .. }));
    }
}

#[tokio::test]
async fn each_lifts_their_own() {
    let (world, session) = World::with_tiers().await;
    admin_lock(&world).await;
    lifecycle::lock(&world.broker, "lunch").await.unwrap();
    lifecycle::unlock(&world.broker).await.unwrap();
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::LockedByAdmin);
    lifecycle::unlock(&world.broker).await.unwrap();
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::LockedByAdmin, "nor by trying again");

    lifecycle::lock(&world.broker, "lunch").await.unwrap();
    let boss = authority(&world, "boss").await;
    lifecycle::admin_unlock(&world.broker, &boss, &account("boss"))
        .await
        .unwrap();
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::Locked);
    lifecycle::unlock(&world.broker).await.unwrap();
    world.token(session.id, ask()).await.unwrap();
}

#[tokio::test]
async fn an_auditor_neither_locks_nor_unlocks_for_the_admins() {
    let (world, session) = World::with_tiers().await;
    let (eve, account) = (authority(&world, "eve").await, account("eve"));
    let refused = lifecycle::admin_lock(&world.broker, &eve, &account, "x").await;
    assert_eq!(refused.unwrap_err().code(), Code::NotAdmin);
    admin_lock(&world).await;
    let refused = lifecycle::admin_unlock(&world.broker, &eve, &account).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotAdmin);
    let Event::AdminRefused { action, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert_eq!(action, "unlock");
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::LockedByAdmin);
}

#[tokio::test]
async fn to_lock_what_is_locked_changes_nothing() {
    let (world, _) = World::with_tiers().await;
    lifecycle::unlock(&world.broker).await.unwrap();
    lifecycle::lock(&world.broker, "lunch").await.unwrap();
    lifecycle::lock(&world.broker, "tea").await.unwrap();
    assert_eq!(world.events(), ["started", "locked"]);
    let held = world.broker.ports.locks.held().owner.unwrap();
    assert_eq!(held.reason, "lunch");
}

/// Taken while the source works, and at the last moment before the record.
#[tokio::test]
async fn a_lock_that_comes_in_between_wins() {
    for last_moment in [false, true] {
        let (world, session) = World::with_session_and(Effect::Upstream).await;
        let broker = world.broker.clone();
        let locking = Box::pin(async move { lifecycle::lock(&broker, "now").await.unwrap() });
        if last_moment {
            world
                .ledger
                .expect(At::Outcome, Mishap::ComesAfter(locking));
        } else {
            world.source.meanwhile(locking);
        }
        let refusal = world.refused(session.id, ask()).await;
        assert_eq!(refusal.code(), Code::Locked, "{last_moment}");
        assert!(!world.events().contains(&"issued"));
    }
}

/// Authority is taken away without a record, and not given without one.
#[tokio::test]
async fn a_disk_that_refuses_locks_and_does_not_unlock() {
    let (world, session) = World::with_session().await;
    let full = LedgerError::Unwritable("disk full".into());
    world.ledger.straight.break_with(Some(full.clone()));
    let refused = lifecycle::lock(&world.broker, "lunch").await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    assert_eq!(world.doors.told().last(), Some(&Told::Changed(session.id)));
    world.ledger.straight.break_with(None);
    assert_eq!(world.refused(session.id, ask()).await.code(), Code::Locked);

    world.ledger.straight.break_with(Some(full));
    let refused = lifecycle::unlock(&world.broker).await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    world.ledger.straight.break_with(None);
    assert_eq!(world.refused(session.id, ask()).await.code(), Code::Locked);
}

/// An end of the requirements is a lock that nobody has to take.
#[tokio::test]
async fn requirements_that_have_ended_give_nothing() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.requirements_expire = Some(world.now() + 60);
    let id = world.pending(session.id, write()).await;
    world.token(session.id, ask()).await.unwrap();
    world.clock.pass_seconds(59);
    world.token(session.id, ask()).await.unwrap();
    world.clock.pass_seconds(1);
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::RequirementsExpired);
    let code = world.not_heard("alice", id, Answer::Once).await;
    assert_eq!(code, Code::RequirementsExpired);
    let refused = lifecycle::start(&world.broker, start("bob", "coder")).await;
    assert_eq!(refused.unwrap_err().code(), Code::RequirementsExpired);
    world.say("alice", id, Answer::No).await.unwrap();
}
