//! Sessions follow the login that lends them its authority.

use std::sync::{Arc, Mutex};

use valetkey_core::{
    Event, Lease, Session, SessionId, SessionState, lifecycle,
    ports::{Answer, LedgerError, LoginEvents as _, SessionFilter, Sessions},
    record::SealedRecord,
};

use crate::{
    doors::Told,
    people::{nth, tiers},
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

/// Something happens between listing the sessions and looking at one.
struct Eventful {
    sessions: Arc<dyn Sessions>,
    event: Mutex<Option<Answer<'static, ()>>>,
}

impl Sessions for Eventful {
    fn load(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions.load(id)
    }

    fn save(&self, session: Session, record: SealedRecord) -> Answer<'_, Result<(), LedgerError>> {
        self.sessions.save(session, record)
    }

    fn list(&self, filter: SessionFilter) -> Answer<'_, Result<Vec<Arc<Session>>, LedgerError>> {
        Box::pin(async move {
            let listed = self.sessions.list(filter).await;
            let event = self.event.lock().unwrap().take();
            if let Some(event) = event {
                event.await;
            }
            listed
        })
    }

    fn leases(
        &self,
        session: SessionId,
        unix_seconds: u64,
    ) -> Answer<'_, Result<Vec<Lease>, LedgerError>> {
        self.sessions.leases(session, unix_seconds)
    }
}

#[tokio::test]
async fn a_session_that_is_held_while_its_login_is_renewed_stays_held() {
    let (mut world, session) = World::with_session().await;
    world.policy.follow(tiers());
    world.broker.settings.approvals.suspend_after = 1;
    world.pending(session.id, nth(0)).await;
    let world = Arc::new(world);
    let (noisy, id) = (Arc::clone(&world), session.id);
    let mut broker = world.broker.clone();
    broker.ports.sessions = Arc::new(Eventful {
        sessions: Arc::clone(&world.broker.ports.sessions),
        event: Mutex::new(Some(Box::pin(async move {
            noisy.refused(id, nth(1)).await;
        }))),
    });
    let follow = lifecycle::SessionsFollowLogins::new(broker);
    follow
        .confirmed(&account("alice"), &user("alice", "ops"))
        .await;
    let now = world.load(session.id);
    assert_eq!(now.state.id(), "held");
    assert_eq!(now.user, user("alice", "ops"), "with the groups of today");
}
