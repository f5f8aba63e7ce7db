//! How long an answer stands, and for whom.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Event,
    approval::{Answer, Ending, State},
    approvals, lifecycle,
    ports::LoginEvents as _,
};
use valetkey_support::fakes::policy::{Rules, Who};

use crate::{
    doors::Told,
    people::{tiers, write},
    world::{World, account, ask, user},
};

async fn remembered(world: &World, session: valetkey_core::SessionId) -> valetkey_core::ApprovalId {
    let id = world.pending(session, write()).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    id
}

#[tokio::test]
async fn one_answer_for_one_token_goes_to_one_of_two_requests() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    let (one, other) = tokio::join!(
        world.token(session.id, write()),
        world.token(session.id, write()),
    );
    assert!(one.is_ok() != other.is_ok());
    assert_eq!(world.source.fake.obtained(), 1);
}

/// Both have looked, found the same answer, and been permitted by the policies; only then is it spent.
#[tokio::test]
async fn of_two_that_both_found_it_the_store_lets_one_have_it() {
    let (world, session) = World::with_tiers().await;
    let world = Arc::new(world);
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    let (first, found) = (Arc::clone(&world), session.id);
    world.policy.between(Box::new(move || {
        // While the second asks the policies again, the first goes all the way.
        let mut all_the_way = Box::pin(first.token(found, write()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let done = all_the_way.as_mut().poll(&mut context);
        assert!(matches!(done, std::task::Poll::Ready(Ok(_))));
    }));
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::ApprovalSettled);
    assert_eq!(refusal.approval(), Some(id));
    assert_eq!(world.source.fake.obtained(), 1);
}

#[tokio::test]
async fn an_answer_for_one_token_is_spent_even_where_the_source_fails() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    world
        .source
        .fail(valetkey_core::ports::SourceError::Failed("no".into()));
    world.refused(session.id, write()).await;
    let State::Over { ending, .. } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    assert_eq!(ending, Ending::Used);
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn what_is_remembered_is_used_before_what_is_for_one_token() {
    let (world, session) = World::with_tiers().await;
    let less = crate::people::nth(0);
    let once = world.pending(session.id, less.clone()).await;
    world.say("alice", once, Answer::Once).await.unwrap();
    remembered(&world, session.id).await;
    world.token(session.id, less).await.unwrap();
    assert!(matches!(world.state(once), State::Granted { .. }));
}

#[tokio::test]
async fn an_answer_is_of_one_session_alone() {
    for answer in [Answer::Once, Answer::Session] {
        let (world, session) = World::with_tiers().await;
        let other = world.session("alice", "coder").await;
        let id = world.pending(session.id, write()).await;
        world.say("alice", id, answer).await.unwrap();
        assert_ne!(world.pending(other.id, write()).await, id);
        world.token(session.id, write()).await.unwrap();
    }
}

#[tokio::test]
async fn it_lapses_when_it_is_not_used_and_using_it_keeps_it() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.remember_idle = 600;
    let id = remembered(&world, session.id).await;
    for _ in 0..3 {
        world.clock.pass_seconds(599);
        world.token(session.id, write()).await.unwrap();
        approvals::expire_due(&world.broker).await.unwrap();
    }
    world.clock.pass_seconds(600);
    assert_ne!(world.pending(session.id, write()).await, id);
    approvals::expire_due(&world.broker).await.unwrap();
    let State::Over { ending, .. } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    assert_eq!(ending, Ending::Lapsed);
}

/// Using it does not make it live beyond its end.
#[tokio::test]
async fn it_ends_however_often_it_is_used() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::For(100)).await.unwrap();
    for _ in 0..10 {
        world.token(session.id, write()).await.unwrap();
        world.clock.pass_seconds(10);
    }
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_it_no_longer() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::For(100)).await.unwrap();
    world.clock.change(|now| {
        now.unix_ms -= 3_600_000;
        now.boot_us += 100_000_000;
    });
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn a_restart_makes_it_lapse_sooner_and_never_later() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.remember_idle = 600;
    let id = remembered(&world, session.id).await;
    world.clock.pass_seconds(400);
    world.token(session.id, write()).await.unwrap();
    world.approvals.restart();
    world.clock.pass_seconds(199);
    world.token(session.id, write()).await.unwrap();
    world.approvals.restart();
    world.clock.pass_seconds(1);
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn it_ends_with_its_session() {
    let (world, session) = World::with_tiers().await;
    remembered(&world, session.id).await;
    lifecycle::end(&world.broker, session.id).await.unwrap();
    assert_eq!(world.questions(), 0);
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::SessionEnded);
}

#[tokio::test]
async fn a_session_that_slept_finds_its_answers_as_they_are() {
    let (world, session) = World::with_tiers().await;
    remembered(&world, session.id).await;
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::SessionSuspended);
    follow
        .confirmed(&account("alice"), &user("alice", "dev"))
        .await;
    world.token(session.id, write()).await.unwrap();
}

#[tokio::test]
async fn it_can_be_taken_back() {
    for answer in [Answer::Once, Answer::For(600), Answer::Session] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        world.say("alice", id, answer).await.unwrap();
        approvals::take_back(&world.broker, &account("alice"), id)
            .await
            .unwrap();
        let Event::ApprovalEnded {
            approval,
            ending,
            by,
        } = world.last()
        else {
            panic!("{:?}", world.last())
        };
        assert_eq!((approval, ending), (id, Ending::TakenBack));
        assert_eq!(by, Some(session.user.id.clone()));
        let cut = Told::Cut(session.id);
        assert!(
            !world.doors.told().contains(&cut),
            "a token is with the agent"
        );
        assert_ne!(world.pending(session.id, write()).await, id);
        let again = approvals::take_back(&world.broker, &account("alice"), id).await;
        assert_eq!(again.unwrap_err().code(), Code::ApprovalSettled);
    }
}

#[tokio::test]
async fn only_an_answer_is_taken_back_and_only_by_somebody() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let refused = approvals::take_back(&world.broker, &account("alice"), id).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidRequest);
    assert!(world.approval(id).is_open());
    world.say("alice", id, Answer::Session).await.unwrap();
    let refused = approvals::take_back(&world.broker, &account("mallory"), id).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotLoggedIn);
    world.token(session.id, write()).await.unwrap();
}

/// The source takes its time, and meanwhile the answer is taken back.
#[tokio::test]
async fn what_is_taken_back_while_the_token_is_made_is_not_released() {
    let (world, session) = World::with_tiers().await;
    let id = remembered(&world, session.id).await;
    let broker = world.broker.clone();
    world.source.meanwhile(Box::pin(async move {
        approvals::take_back(&broker, &account("alice"), id)
            .await
            .unwrap();
    }));
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::ApprovalSettled);
    assert_eq!(world.source.fake.obtained(), 1, "and nobody reads it");
    assert!(!world.events().contains(&"issued"));
}

#[tokio::test]
async fn policies_that_changed_stop_it() {
    let (world, session) = World::with_tiers().await;
    remembered(&world, session.id).await;
    world.policy.follow(tiers().forbid(&[("orders", "write")]));
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::Denied);
    // As long as nobody has taken it back it is there, and the policies are asked each time.
    world.policy.follow(tiers());
    world.token(session.id, write()).await.unwrap();
    world.policy.follow(Rules::failing());
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::Denied);
}

#[tokio::test]
async fn more_friction_than_was_shown_is_asked_anew() {
    let (world, session) = World::with_session().await;
    world
        .policy
        .follow(Rules::permit(&[]).review(&[("orders", "write")]));
    let id = remembered(&world, session.id).await;
    world.token(session.id, write()).await.unwrap();
    world.policy.follow(tiers());
    assert_ne!(world.pending(session.id, write()).await, id);
}

/// The policies are asked of the approver too, each time.
#[tokio::test]
async fn an_approver_who_may_no_more_has_approved_no_more() {
    let boss = || Who::Subject("id-of-boss".into());
    let (mut world, session) = World::with_tiers().await;
    world.policy.follow(tiers().approver(boss(), "orders"));
    let id = world.pending(session.id, write()).await;
    world.say("boss", id, Answer::Session).await.unwrap();
    world.token(session.id, write()).await.unwrap();

    world.policy.follow(tiers());
    assert_ne!(world.pending(session.id, write()).await, id);
    world.policy.follow(tiers().approver(boss(), "orders"));
    world.token(session.id, write()).await.unwrap();
    // And of the configuration.
    world.broker.settings.approvals.approver_groups = ["dev".to_owned()].into();
    world.pending(session.id, write()).await;
}

/// A8: whoever left a group this morning does not approve by what they answered yesterday.
#[tokio::test]
async fn an_approver_who_left_the_group_has_approved_no_more() {
    let devs = || {
        Rules::permit(&[])
            .human(&[("orders", "write")])
            .not_the_requester()
            .approver(Who::Group("dev".into()), "orders")
    };
    // The asker, whose session follows their login.
    let (world, session) = World::with_session().await;
    world.policy.follow(devs());
    remembered(&world, session.id).await;
    world.token(session.id, write()).await.unwrap();
    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow
        .confirmed(&account("alice"), &user("alice", "guests"))
        .await;
    world.pending(session.id, write()).await;

    // Somebody else, by their own login.
    let (world, session) = World::with_session().await;
    world.policy.follow(devs());
    let id = world.pending(session.id, write()).await;
    world.say("bob", id, Answer::Session).await.unwrap();
    world.token(session.id, write()).await.unwrap();
    world.logins.log_in(&account("bob"), user("bob", "guests"));
    world.pending(session.id, write()).await;

    // Somebody whose every login has ended.
    let (world, session) = World::with_session().await;
    world.policy.follow(devs());
    let id = world.pending(session.id, write()).await;
    world.say("bob", id, Answer::Session).await.unwrap();
    world.token(session.id, write()).await.unwrap();
    world.logins.kill(&account("bob"), "invalid_grant");
    world.pending(session.id, write()).await;
}

#[tokio::test]
async fn whoever_waits_learns_what_came_of_it() {
    for (answer, expected) in [
        (Answer::Once, Ok(())),
        (Answer::Session, Ok(())),
        (Answer::No, Err(Code::ApprovalRefused)),
        (Answer::NoAndEnd, Err(Code::SessionEnded)),
    ] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        let (outcome, answered) = tokio::join!(
            approvals::outcome(&world.broker, session.id, id),
            world.say("alice", id, answer),
        );
        answered.unwrap();
        assert_eq!(outcome.map_err(|r| r.code()), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn whoever_comes_late_does_not_wait() {
    let (world, session) = World::with_tiers().await;
    let id = remembered(&world, session.id).await;
    let outcome = approvals::outcome(&world.broker, session.id, id).await;
    assert_eq!(outcome, Ok(()));
    approvals::take_back(&world.broker, &account("alice"), id)
        .await
        .unwrap();
    let outcome = approvals::outcome(&world.broker, session.id, id).await;
    assert_eq!(outcome, Ok(()), "asking again can help");

    let id = world.pending(session.id, write()).await;
    world.clock.pass_seconds(600);
    approvals::expire_due(&world.broker).await.unwrap();
    let outcome = approvals::outcome(&world.broker, session.id, id).await;
    assert_eq!(outcome.unwrap_err().code(), Code::ApprovalExpired);
    // Of another session's questions one learns nothing.
    let other = world.session("alice", "coder").await;
    let outcome = approvals::outcome(&world.broker, other.id, id).await;
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_revocation_ends_the_wait() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let (outcome, ended) = tokio::join!(
        approvals::outcome(&world.broker, session.id, id),
        lifecycle::end(&world.broker, session.id),
    );
    ended.unwrap();
    assert_eq!(outcome.unwrap_err().code(), Code::SessionEnded);
    assert_eq!(
        world.refused(session.id, ask()).await.code(),
        Code::SessionEnded
    );
}
