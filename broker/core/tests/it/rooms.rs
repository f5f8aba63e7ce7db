//! A session that is tied to a sandbox.

use valetkey_codes::Code;
use valetkey_core::{Event, Pins, ProfileName, Session, SessionState, lifecycle, ports::Effect};

use crate::world::{World, ask, start};

const SANDBOX: i32 = 4242;

async fn waiting(world: &World) -> std::sync::Arc<Session> {
    let ask = lifecycle::StartSession {
        sandbox: ProfileName::parse("workspace-write").ok(),
        ..start("alice", "coder")
    };
    lifecycle::start(&world.broker, ask).await.unwrap().0
}

fn in_namespace(pid_namespace: u64) -> Pins {
    Pins {
        pid_namespace: Some(pid_namespace),
        ..Pins::default()
    }
}

#[tokio::test]
async fn nobody_speaks_for_it_before_its_sandbox_is_there_and_nobody_outside_of_it_afterwards() {
    let world = World::new(Effect::Local);
    let session = waiting(&world).await;
    world.callers.pose_as(in_namespace(77));
    let refused = world.token(session.id, ask()).await.err().unwrap();
    assert_eq!(refused.code(), Code::CallerRefused);
    assert_eq!(refused.detail(), Some("it is not in the session's sandbox"));

    let caller = lifecycle::enter(&world.broker, session.id, SANDBOX)
        .await
        .unwrap();
    assert_eq!(caller.pid, SANDBOX);
    let Event::SandboxEntered {
        profile,
        pid_namespace,
        ..
    } = world.last()
    else {
        panic!("{:?}", world.last());
    };
    assert_eq!((profile.as_str(), pid_namespace), ("workspace-write", 77));
    assert!(world.token(session.id, ask()).await.is_ok());

    // Same user, same socket, elsewhere.
    world.callers.pose_as(in_namespace(78));
    let refused = world.token(session.id, ask()).await.err().unwrap();
    assert_eq!(refused.code(), Code::CallerRefused);
}

#[tokio::test]
async fn a_sandbox_is_entered_once_and_only_where_one_is_waited_for() {
    let world = World::new(Effect::Local);
    let session = waiting(&world).await;
    lifecycle::enter(&world.broker, session.id, SANDBOX)
        .await
        .unwrap();
    world.callers.pose_as(in_namespace(78));
    let again = lifecycle::enter(&world.broker, session.id, SANDBOX).await;
    assert_eq!(again.err().unwrap().code(), Code::CallerRefused);
    assert_eq!(world.load(session.id).pins, in_namespace(77));

    let unbound = world.session("alice", "coder").await;
    let entered = lifecycle::enter(&world.broker, unbound.id, SANDBOX).await;
    assert_eq!(entered.err().unwrap().code(), Code::CallerRefused);
    assert_eq!(world.load(unbound.id).pins, Pins::default());

    let over = waiting(&world).await;
    lifecycle::end(&world.broker, over.id).await.unwrap();
    let entered = lifecycle::enter(&world.broker, over.id, SANDBOX).await;
    assert_eq!(entered.err().unwrap().code(), Code::SessionEnded);

    let gone = waiting(&world).await;
    world.callers.end();
    let entered = lifecycle::enter(&world.broker, gone.id, SANDBOX).await;
    assert_eq!(entered.err().unwrap().code(), Code::CallerGone);
}

#[tokio::test]
async fn the_sandbox_of_another_user_is_none() {
    let mut world = World::new(Effect::Local);
    let session = waiting(&world).await;
    world.broker.settings.owner += 1;
    let entered = lifecycle::enter(&world.broker, session.id, SANDBOX).await;
    assert_eq!(entered.err().unwrap().code(), Code::CallerRefused);
}

#[tokio::test]
async fn the_brokers_own_namespace_is_no_sandbox() {
    let mut world = World::new(Effect::Local);
    let session = waiting(&world).await;
    world.broker.settings.pid_namespace = 77;
    let entered = lifecycle::enter(&world.broker, session.id, SANDBOX).await;
    let refusal = entered.err().unwrap();
    assert_eq!(refusal.code(), Code::CallerRefused);
    assert_eq!(refusal.detail(), Some("it is in no sandbox at all"));
    assert_eq!(world.load(session.id).pins, in_namespace(Pins::NOWHERE));
}

#[tokio::test]
async fn a_profile_that_is_not_there_starts_nothing() {
    let world = World::new(Effect::Local);
    let ask = lifecycle::StartSession {
        sandbox: ProfileName::parse("no-such").ok(),
        ..start("alice", "coder")
    };
    let started = lifecycle::start(&world.broker, ask).await;
    assert_eq!(started.err().unwrap().code(), Code::ProfileForbidden);
    assert!(world.events().is_empty());
}

/// A login that is renewed does not free it, nor does a developer who wakes it.
#[tokio::test]
async fn it_stays_tied_whatever_becomes_of_it() {
    let world = World::new(Effect::Local);
    let session = waiting(&world).await;
    lifecycle::enter(&world.broker, session.id, SANDBOX)
        .await
        .unwrap();
    let tied = world.load(session.id);
    let held = tied.hold("why".to_owned()).unwrap();
    let awake = held.resume(tied.started).unwrap();
    assert_eq!(awake.state, SessionState::Active);
    assert_eq!(awake.pins, in_namespace(77));
    assert_eq!(awake.entered(79), None);
}
