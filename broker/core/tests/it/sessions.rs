//! Sessions begin, end, run out, and are there again after a restart.

use valetkey_codes::Code;
use valetkey_core::{
    Boot, Event, SessionState, lifecycle,
    ports::{Effect, LedgerError},
};

use crate::{
    doors::Told,
    world::{World, account, ask, start},
};

fn full() -> LedgerError {
    LedgerError::Unwritable("disk full".into())
}

#[tokio::test]
async fn a_session_is_durable_before_its_socket_is_there() {
    let world = World::new(Effect::Local);
    let asked = lifecycle::StartSession {
        workspace: Some("/src/\u{1b}[2Jshop".into()),
        ..start("alice", "coder")
    };
    let (session, socket) = lifecycle::start(&world.broker, asked).await.unwrap();
    assert_eq!(
        socket.to_str(),
        Some(format!("/run/{}", session.id).as_str())
    );
    assert_eq!(session.user.id.subject, "id-of-alice");
    assert_eq!(session.workspace.as_deref(), Some("/src/\u{fffd}[2Jshop"));
    assert_eq!(world.load(session.id), session);
    let Event::SessionStarted {
        user,
        account,
        agent,
        lifetime,
        ..
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(
        (user, account, agent, lifetime),
        (
            session.user.id.clone(),
            session.account.clone(),
            session.agent.clone(),
            3600
        )
    );
    assert_eq!(world.doors.told(), [Told::Open(session.id)]);
}

#[tokio::test]
async fn its_lifetime_is_as_asked_within_the_most() {
    let world = World::new(Effect::Local);
    for (lifetime, expected) in [
        (None, Ok(8 * 3600)),
        (Some(1), Ok(1)),
        (Some(i64::MAX), Ok(24 * 3600)),
        (Some(0), Err(Code::InvalidRequest)),
        (Some(-1), Err(Code::InvalidRequest)),
        (Some(i64::MIN), Err(Code::InvalidRequest)),
    ] {
        let asked = lifecycle::StartSession {
            lifetime,
            ..start("alice", "coder")
        };
        let started = lifecycle::start(&world.broker, asked).await;
        let left = started.map(|(session, _)| session.deadline.remaining_seconds(session.started));
        assert_eq!(
            left.map_err(|refusal| refusal.code()),
            expected,
            "{lifetime:?}"
        );
    }
}

#[tokio::test]
async fn there_are_only_so_many_live_ones() {
    let world = World::new(Effect::Local);
    let first = world.session("alice", "coder").await;
    for _ in 0..3 {
        world.session("alice", "coder").await;
    }
    let refused = lifecycle::start(&world.broker, start("alice", "coder")).await;
    assert_eq!(refused.unwrap_err().code(), Code::TooManySessions);
    lifecycle::end(&world.broker, first.id).await.unwrap();
    world.session("alice", "coder").await;
}

#[tokio::test]
async fn nobody_lends_what_they_do_not_have() {
    let world = World::new(Effect::Local);
    let refused = lifecycle::start(&world.broker, start("mallory", "coder")).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotLoggedIn);
    world.logins.kill(&account("alice"), "invalid_grant");
    let refused = lifecycle::start(&world.broker, start("alice", "coder")).await;
    assert_eq!(refused.unwrap_err().code(), Code::LoginExpired);
    assert_eq!(world.events(), [""; 0]);
    assert_eq!(world.doors.told(), []);
}

#[tokio::test]
async fn without_a_record_no_session_begins() {
    let world = World::new(Effect::Local);
    world.ledger.straight.break_with(Some(full()));
    let refused = lifecycle::start(&world.broker, start("alice", "coder")).await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    assert_eq!(world.doors.told(), [], "no socket was made");
}

#[tokio::test]
async fn a_session_whose_door_does_not_open_is_ended() {
    let world = World::new(Effect::Local);
    world.doors.jam();
    let refused = lifecycle::start(&world.broker, start("alice", "coder"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    assert!(
        refused
            .detail()
            .is_some_and(|detail| detail.contains("told to jam"))
    );
    assert_eq!(world.events(), ["started", "changed"]);
    let session = world.records().pop().unwrap().session.unwrap();
    assert_eq!(world.load(session).state, SessionState::Ended);
}

#[tokio::test]
async fn ending_closes_the_door_and_may_be_repeated() {
    let (world, session) = World::with_session().await;
    for _ in 0..2 {
        let ended = lifecycle::end(&world.broker, session.id).await.unwrap();
        assert_eq!(ended.state, SessionState::Ended);
    }
    assert_eq!(world.events(), ["started", "changed"]);
    assert_eq!(
        world.doors.told(),
        [Told::Open(session.id), Told::Close(session.id)]
    );
    let nobody = valetkey_core::SessionId::parse("0198c0de000070008000000000000bad").unwrap();
    let refused = lifecycle::end(&world.broker, nobody).await.unwrap_err();
    assert_eq!(refused.code(), Code::UnknownSession);
}

#[tokio::test]
async fn ending_takes_hold_even_where_the_disk_refuses() {
    let (world, session) = World::with_session().await;
    world.ledger.straight.break_with(Some(full()));
    let refused = lifecycle::end(&world.broker, session.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::AuditUnavailable, "and it is said");
    assert_eq!(world.doors.told().last(), Some(&Told::Close(session.id)));
    world.ledger.straight.break_with(None);
    let refused = world
        .token(session.id, ask())
        .await
        .map(|r| r.lease().clone());
    assert_eq!(refused.unwrap_err().code(), Code::SessionEnded);
}

#[tokio::test]
async fn only_what_is_due_expires_by_either_clock() {
    for (name, wall, boot) in [
        ("both", 60, 60),
        ("the wall clock", 60, 0),
        ("the boot clock", 0, 60),
    ] {
        let world = World::new(Effect::Local);
        let brief = lifecycle::StartSession {
            lifetime: Some(60),
            ..start("alice", "coder")
        };
        let (brief, _) = lifecycle::start(&world.broker, brief).await.unwrap();
        let long = world.session("alice", "coder").await;
        lifecycle::expire_due(&world.broker).await.unwrap();
        assert_eq!(world.load(brief.id).state, SessionState::Active, "{name}");

        world.clock.change(|now| {
            now.unix_ms += wall * 1000;
            now.boot_us += boot * 1_000_000;
        });
        lifecycle::expire_due(&world.broker).await.unwrap();
        assert_eq!(world.load(brief.id).state, SessionState::Expired, "{name}");
        assert_eq!(world.load(long.id).state, SessionState::Active, "{name}");
        assert_eq!(
            world.doors.told().last(),
            Some(&Told::Close(brief.id)),
            "{name}"
        );
        assert!(
            matches!(world.last(), Event::SessionChanged { .. }),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_session_expires_even_where_the_disk_refuses() {
    let (world, session) = World::with_session().await;
    world.clock.pass_seconds(3600);
    world.ledger.straight.break_with(Some(full()));
    let refused = lifecycle::expire_due(&world.broker).await.unwrap_err();
    assert_eq!(refused.code(), Code::AuditUnavailable);
    assert_eq!(world.doors.told().last(), Some(&Told::Close(session.id)));
}

#[tokio::test]
async fn after_a_restart_live_sessions_have_their_doors_again() {
    let world = World::new(Effect::Local);
    let brief = lifecycle::StartSession {
        lifetime: Some(60),
        ..start("alice", "coder")
    };
    let (brief, _) = lifecycle::start(&world.broker, brief).await.unwrap();
    let ended = world.session("alice", "coder").await;
    let live = world.session("alice", "coder").await;
    lifecycle::end(&world.broker, ended.id).await.unwrap();
    let before = world.doors.told().len();

    world.clock.change(|now| {
        now.unix_ms += 61_000;
        now.boot_us = 1;
        now.boot = Boot(2);
    });
    assert_eq!(lifecycle::restore(&world.broker).await, Ok(1));
    let told = world.doors.told().split_off(before);
    assert_eq!(told, [Told::Close(brief.id), Told::Open(live.id)]);
    assert_eq!(world.load(brief.id).state, SessionState::Expired);
    world.token(live.id, ask()).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_cannot_open_a_door_does_not_say_that_it_is_ready() {
    let (world, _session) = World::with_session().await;
    world.doors.jam();
    let refused = lifecycle::restore(&world.broker).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    assert!(
        refused
            .detail()
            .is_some_and(|detail| detail.contains("told to jam"))
    );
}
