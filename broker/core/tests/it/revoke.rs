//! An admin takes sessions back.

use std::task::Poll;

use valetkey_codes::Code;
use valetkey_core::{
    Event, Refusal, SessionState, lifecycle,
    lifecycle::{RevokeReport, RevokeTarget},
    ports::LedgerError,
};

use crate::{
    doors::Told,
    world::{World, account, ask},
};

async fn revoke(world: &World, target: RevokeTarget) -> Result<RevokeReport, Refusal> {
    let boss = account("boss");
    let authority = lifecycle::authority(&world.broker, &boss, "revoke").await?;
    lifecycle::revoke(
        &world.broker,
        &authority,
        &boss,
        target,
        "left\u{1b} the firm",
    )
    .await
}

#[tokio::test]
async fn every_target_meets_its_sessions_and_no_other() {
    let agent = |name| RevokeTarget::Agent(valetkey_core::AgentName::parse(name).unwrap());
    let user = |name: &str| RevokeTarget::User(name.to_owned());
    // Sessions: 0 alice/coder, 1 alice/tester, 2 bob/coder.
    for (target, met) in [
        (user("id-of-alice"), vec![0, 1]),
        (user("alice"), vec![0, 1]),
        (user("nobody"), vec![]),
        (agent("coder"), vec![0, 2]),
        (agent("painter"), vec![]),
        (RevokeTarget::All, vec![0, 1, 2]),
    ] {
        let world = World::new(valetkey_core::ports::Effect::Local);
        let mut sessions = Vec::new();
        for (name, kind) in [("alice", "coder"), ("alice", "tester"), ("bob", "coder")] {
            sessions.push(world.session(name, kind).await);
        }
        let report = revoke(&world, target.clone()).await.unwrap();
        let mut reported: Vec<_> = report.sessions.iter().map(|met| met.session.id).collect();
        reported.sort_unstable();
        let expected: Vec<_> = met
            .iter()
            .filter_map(|n: &usize| sessions.get(*n))
            .map(|s| s.id)
            .collect();
        assert_eq!(reported, expected, "{target:?}");
        for (n, session) in sessions.iter().enumerate() {
            let over = met.contains(&n);
            assert_eq!(
                world.load(session.id).state.id() == "revoked",
                over,
                "{target:?} {n}"
            );
            assert_eq!(
                world.doors.told().contains(&Told::Close(session.id)),
                over,
                "{target:?} {n}"
            );
            let outcome = world
                .token(session.id, ask())
                .await
                .map(|r| r.lease().clone());
            assert_eq!(outcome.is_err(), over, "{target:?} {n}");
        }
    }
}

#[tokio::test]
async fn it_says_who_and_why_and_what_was_cut() {
    let (world, session) = World::with_session().await;
    let report = revoke(&world, RevokeTarget::Session(session.id))
        .await
        .unwrap();
    let met = report.sessions.first().unwrap();
    assert_eq!((met.cut.connections, &met.not_durable), (3, &None));
    let state = SessionState::Revoked {
        by: "id-of-boss at https://id.example.test".into(),
        reason: "left\u{fffd} the firm".into(),
    };
    assert_eq!(met.session.state, state);
    assert_eq!(world.events(), ["started", "changed", "ordered"]);
    let Event::RevocationOrdered {
        by,
        target,
        reason,
        sessions,
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(by.subject, "id-of-boss");
    assert_eq!(
        (target, reason, sessions),
        (
            format!("session {}", session.id),
            "left\u{fffd} the firm".to_owned(),
            1
        )
    );
}

#[tokio::test]
async fn tokens_that_live_on_are_counted_with_their_end() {
    let (world, session) = World::with_session().await;
    for lifetime in [60, 300, 200] {
        let asked = valetkey_core::request::Ask {
            lifetime: Some(lifetime),
            ..ask()
        };
        world.token(session.id, asked).await.unwrap();
    }
    let first = world.now();
    world.clock.pass_seconds(60);
    let report = revoke(&world, RevokeTarget::All).await.unwrap();
    let met = report.sessions.first().unwrap();
    assert_eq!(met.outstanding, 2, "one is over");
    assert_eq!(met.outstanding_until, Some(first + 300));
    assert_eq!(
        world.source.fake.revoked().len(),
        2,
        "the source was asked to take them back"
    );
}

#[tokio::test]
async fn a_source_that_fails_to_take_back_is_not_believed_to_have() {
    let (world, session) = World::with_session().await;
    let lease = world
        .token(session.id, ask())
        .await
        .unwrap()
        .lease()
        .clone();
    world.source.fake.fail(true);
    let report = revoke(&world, RevokeTarget::All).await.unwrap();
    let met = report.sessions.first().unwrap();
    assert_eq!(
        (met.outstanding, met.outstanding_until),
        (1, Some(lease.expires))
    );
}

#[tokio::test]
async fn it_takes_hold_even_where_the_disk_refuses() {
    let (world, session) = World::with_session().await;
    let other = world.session("bob", "coder").await;
    world
        .ledger
        .straight
        .break_with(Some(LedgerError::Unwritable("disk full".into())));
    let report = revoke(&world, RevokeTarget::All).await.unwrap();
    assert_eq!(report.sessions.len(), 2);
    for met in &report.sessions {
        assert!(met.not_durable.is_some(), "and it is said");
    }
    world.ledger.straight.break_with(None);
    for session in [session, other] {
        assert!(world.doors.told().contains(&Told::Close(session.id)));
        let refused = world
            .token(session.id, ask())
            .await
            .map(|r| r.lease().clone());
        assert_eq!(refused.unwrap_err().code(), Code::SessionRevoked);
    }
}

/// The door of one agent does not close for as long as it likes; the authority of all is gone.
#[tokio::test]
async fn no_slow_door_keeps_anybody_s_authority_alive() {
    let (world, session) = World::with_session().await;
    let other = world.session("bob", "coder").await;
    world.doors.stick(session.id);
    world.doors.stick(other.id);
    let mut revocation = Box::pin(revoke(&world, RevokeTarget::All));
    let pending =
        std::future::poll_fn(|context| Poll::Ready(revocation.as_mut().poll(context).is_pending()));
    assert!(pending.await, "it waits for the doors");
    for session in [&session, &other] {
        assert!(
            world.doors.told().contains(&Told::Close(session.id)),
            "both close side by side"
        );
        assert_eq!(world.load(session.id).state.id(), "revoked");
    }
    world.doors.free();
    assert_eq!(revocation.await.unwrap().sessions.len(), 2);
}

#[tokio::test]
async fn a_suspended_session_is_revoked_too_and_never_wakes() {
    use valetkey_core::ports::LoginEvents as _;

    let (world, session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;
    revoke(&world, RevokeTarget::All).await.unwrap();
    follow
        .confirmed(&account("alice"), &crate::world::user("alice", "dev"))
        .await;
    assert_eq!(world.load(session.id).state.id(), "revoked");
}

#[tokio::test]
async fn what_is_over_or_was_never_there_is_said_to_be_so() {
    let (world, session) = World::with_session().await;
    lifecycle::end(&world.broker, session.id).await.unwrap();
    let nobody = valetkey_core::SessionId::parse("0198c0de000070008000000000000bad").unwrap();
    for (id, said) in [
        (session.id, "the session is over already: ended"),
        (nobody, Code::UnknownSession.row().text),
    ] {
        let refused = revoke(&world, RevokeTarget::Session(id)).await.unwrap_err();
        assert_eq!(refused.code(), Code::UnknownSession);
        assert_eq!(refused.message(), said);
    }
    assert_eq!(
        world.load(session.id).state,
        SessionState::Ended,
        "history stays"
    );
    assert_eq!(
        revoke(&world, RevokeTarget::All)
            .await
            .unwrap()
            .sessions
            .len(),
        0
    );
}
