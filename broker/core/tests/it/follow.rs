//! Sessions follow the login that lends them its authority.

use valetkey_core::{
    Event, SessionState, lifecycle,
    ports::{LedgerError, LoginEvents as _},
};

use crate::{
    doors::Told,
    world::{World, account, ask, user},
};

#[tokio::test]
async fn a_login_that_ends_suspends_its_own_sessions_alone() {
    let (world, session) = World::with_session().await;
    let other = world.session("bob", "coder").await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;

    let reason = "invalid_grant".to_owned();
    let suspended = SessionState::Suspended { reason };
    assert_eq!(world.load(session.id).state, suspended);
    assert_eq!(world.load(other.id).state, SessionState::Active);
    let Event::SessionChanged { from, to, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert_eq!((from.as_str(), to), ("active", suspended));
    assert_eq!(
        world.doors.told().last(),
        Some(&Told::Changed(session.id)),
        "watchers hear of it"
    );
    assert!(
        !world.doors.told().contains(&Told::Close(session.id)),
        "it may wake"
    );
}

#[tokio::test]
async fn a_new_login_of_the_same_person_wakes_them_with_the_groups_of_today() {
    let (world, session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;
    follow
        .confirmed(&account("alice"), &user("alice", "ops"))
        .await;

    let awake = world.load(session.id);
    assert_eq!(awake.state, SessionState::Active);
    assert_eq!(awake.user, user("alice", "ops"));
    assert_eq!(awake.deadline, session.deadline, "its life is no longer");
    world.token(session.id, ask()).await.unwrap();
}

#[tokio::test]
async fn somebody_else_in_the_same_account_wakes_nothing() {
    let (world, session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;
    let events = world.events();
    follow
        .confirmed(&account("alice"), &user("mallory", "dev"))
        .await;
    assert_ne!(world.load(session.id).state, SessionState::Active);
    assert_eq!(world.events(), events);
}

#[tokio::test]
async fn groups_that_are_lost_at_a_renewal_are_lost_at_once() {
    let (world, session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow
        .confirmed(&account("alice"), &user("alice", "guests"))
        .await;
    world.token(session.id, ask()).await.unwrap();
    let heard = world.policy.heard().pop().unwrap();
    assert!(
        heard.contains("guests") && !heard.contains("dev"),
        "{heard}"
    );
}

#[tokio::test]
async fn what_changes_nothing_is_not_recorded() {
    let (world, _session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow
        .confirmed(&account("alice"), &user("alice", "dev"))
        .await;
    assert_eq!(world.events(), ["started"]);
}

/// Authority is taken away without a record, and not given without one.
#[tokio::test]
async fn a_disk_that_refuses_suspends_and_does_not_wake() {
    let (world, session) = World::with_session().await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    let broken = LedgerError::Unwritable("disk full".into());
    world.ledger.straight.break_with(Some(broken.clone()));
    follow.ended(&account("alice"), "invalid_grant").await;
    assert_eq!(world.load(session.id).state.id(), "suspended");
    follow
        .confirmed(&account("alice"), &user("alice", "dev"))
        .await;
    assert_eq!(world.load(session.id).state.id(), "suspended");
}
