//! The automatic reviewer: what it says is evidence, and what it comes to is the policies' to say.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Event, Opinion, Risk, Session, SessionState,
    approval::{Answer, Ending, Finding, Stage, State},
    approvals, lifecycle,
    ports::ReviewError,
    request::Ask,
};
use valetkey_support::fakes::{
    policy::{Rules, Who},
    reviewer::ScriptedReviewer,
};

use crate::{
    people::{review, tiers, write},
    world::{World, ask},
};

/// The reviewer `look` may approve at `bills` what it finds of medium risk at most.
fn reviewed() -> Rules {
    let look = Who::Reviewer("look".into(), Some(Risk::Medium));
    tiers().approver(look, "bills")
}

async fn scene() -> (World, Arc<Session>, Arc<ScriptedReviewer>) {
    let (mut world, session) = World::with_session().await;
    let reviewer = Arc::new(ScriptedReviewer::new("look"));
    world.broker.ports.reviewer = Some(Arc::clone(&reviewer) as _);
    world.policy.follow(reviewed());
    (world, session, reviewer)
}

fn left_to_a_person(world: &World, id: ApprovalId, why: &str) {
    let stage = Stage::Person;
    assert_eq!(world.state(id), State::Open { stage }, "{why}");
    let opinion = world.approval(id).opinion.clone().unwrap();
    let Event::ApprovalReviewed {
        approval,
        opinion: kept,
        outcome,
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!((approval, outcome.as_str()), (id, "open"), "{why}");
    assert_eq!(kept, opinion, "{why}");
}

fn at_stage(world: &World, id: ApprovalId) -> Stage {
    let State::Open { stage } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    stage
}

#[tokio::test]
async fn it_is_asked_only_where_the_policies_let_it() {
    let (world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    assert_eq!(at_stage(&world, id), Stage::Reviewer);
    let id = world.pending(session.id, write()).await;
    assert_eq!(at_stage(&world, id), Stage::Person);
    approvals::review(&world.broker, id).await.unwrap();
    assert_eq!(reviewer.seen().len(), 0);

    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, review()).await;
    assert_eq!(at_stage(&world, id), Stage::Person, "there is none");
}

#[tokio::test]
async fn its_yes_is_for_one_token() {
    let (world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    let opinion = reviewer.opinion(Finding::Approve, Risk::Medium);
    reviewer.say(Ok(opinion.clone()));
    approvals::review(&world.broker, id).await.unwrap();
    let Event::ApprovalReviewed {
        approval,
        opinion: kept,
        outcome,
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!((approval, outcome.as_str()), (id, "granted"));
    assert_eq!(kept, opinion, "with its rationale and model");
    world.token(session.id, review()).await.unwrap();
    assert_ne!(world.pending(session.id, review()).await, id);
}

#[tokio::test]
async fn above_its_ceiling_its_yes_is_a_persons_to_give() {
    for risk in [Some(Risk::High), Some(Risk::Critical), None] {
        let (world, session, reviewer) = scene().await;
        let id = world.pending(session.id, review()).await;
        reviewer.say(Ok(Opinion {
            risk,
            ..reviewer.opinion(Finding::Approve, Risk::Low)
        }));
        approvals::review(&world.broker, id).await.unwrap();
        left_to_a_person(&world, id, "above");
        world.say("alice", id, Answer::Once).await.unwrap();
        world.token(session.id, review()).await.unwrap();
    }
}

/// A reviewer without a limit is still one that has to have looked.
#[tokio::test]
async fn a_yes_without_a_risk_is_none() {
    let (world, session, reviewer) = scene().await;
    let anything = Who::Reviewer("look".into(), None);
    world.policy.follow(tiers().approver(anything, "bills"));
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(Opinion {
        risk: None,
        ..reviewer.opinion(Finding::Approve, Risk::Low)
    }));
    approvals::review(&world.broker, id).await.unwrap();
    left_to_a_person(&world, id, "no risk");
}

#[tokio::test]
async fn whatever_is_no_verdict_goes_to_a_person() {
    let errors = [
        ReviewError::Unavailable("no such file".into()),
        ReviewError::Slow(30),
        ReviewError::Nonsense("10 MB of `approve`\u{1b}[2J".into()),
    ];
    for error in errors {
        let (world, session, reviewer) = scene().await;
        let id = world.pending(session.id, review()).await;
        let why = error.to_string();
        reviewer.say(Err(error));
        approvals::review(&world.broker, id).await.unwrap();
        left_to_a_person(&world, id, &why);
        let opinion = world.approval(id).opinion.clone().unwrap();
        assert_eq!(opinion.finding, Finding::Failed);
        assert!(!opinion.rationale.contains('\u{1b}'));
        assert_eq!(
            world.refused(session.id, review()).await.approval(),
            Some(id)
        );
    }
    let (world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Escalate, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    left_to_a_person(&world, id, "escalated");
    approvals::review(&world.broker, id).await.unwrap();
    assert_eq!(reviewer.seen().len(), 1, "it is asked once");
}

#[tokio::test]
async fn what_it_says_is_cleaned_and_cut() {
    let (world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(Opinion {
        rationale: "\u{1b}[2J\u{202e}".repeat(1_000_000),
        reviewer: "\u{7}".repeat(1_000_000),
        ..reviewer.opinion(Finding::Escalate, Risk::Low)
    }));
    approvals::review(&world.broker, id).await.unwrap();
    let opinion = world.approval(id).opinion.clone().unwrap();
    assert_eq!(opinion.rationale.chars().count(), 1000);
    assert_eq!(opinion.reviewer, "\u{fffd}".repeat(200));
    assert!(!opinion.rationale.contains(['\u{1b}', '\u{202e}']));
}

#[tokio::test]
async fn its_no_counts_and_a_row_of_them_holds_the_session() {
    let (world, session, reviewer) = scene().await;
    let nth = |n| Ask {
        scopes: vec!["read".into()],
        audience: (n == 1).then(|| "https://other.example.test".to_owned()),
        ..review()
    };
    world
        .policy
        .follow(reviewed().review(&[("orders", "write")]));
    for (n, asked) in [nth(0), nth(1), write()].into_iter().enumerate() {
        let id = world.pending(session.id, asked).await;
        assert_eq!(world.load(session.id).state, SessionState::Active, "{n}");
        reviewer.say(Ok(reviewer.opinion(Finding::Deny, Risk::High)));
        approvals::review(&world.broker, id).await.unwrap();
        assert!(matches!(world.state(id), State::Refused { .. }), "{n}");
    }
    let SessionState::Held { reason } = &world.load(session.id).state else {
        panic!("{:?}", world.load(session.id))
    };
    assert_eq!(reason, "the reviewer refused 3 requests in a row");
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::SessionHeld);

    world.clock.pass_seconds(1);
    lifecycle::resume(&world.broker, session.id).await.unwrap();
    world.token(session.id, ask()).await.unwrap();
    let again = Ask {
        audience: Some("https://other.example.test".into()),
        ..write()
    };
    let id = world.pending(session.id, again).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Deny, Risk::High)));
    approvals::review(&world.broker, id).await.unwrap();
    assert_eq!(
        world.load(session.id).state,
        SessionState::Active,
        "forgiven"
    );
}

#[tokio::test]
async fn a_yes_in_between_ends_the_row_and_an_escalation_does_not() {
    for (between, held) in [(Finding::Approve, false), (Finding::Escalate, true)] {
        let (mut world, session, reviewer) = scene().await;
        world.broker.settings.approvals.denials = 2;
        world.broker.settings.approvals.refusal_holds = 1;
        for finding in [Finding::Deny, between, Finding::Deny] {
            // Each is about more than the last, so none joins the one that is open.
            let n = i64::try_from(reviewer.seen().len()).unwrap();
            let asked = Ask {
                lifetime: Some(100 + n),
                ..review()
            };
            let id = world.pending(session.id, asked.clone()).await;
            reviewer.say(Ok(reviewer.opinion(finding, Risk::Low)));
            approvals::review(&world.broker, id).await.unwrap();
            if finding == Finding::Approve {
                world.token(session.id, asked).await.unwrap();
            }
            world.clock.pass_seconds(1);
        }
        let state = world.load(session.id).state.id();
        assert_eq!(state == "held", held, "{between:?}");
    }
}

/// What people refuse says nothing of the reviewer's row.
#[tokio::test]
async fn a_persons_no_is_not_a_reviewers() {
    let (mut world, session, reviewer) = scene().await;
    world.broker.settings.approvals.denials = 2;
    let elsewhere = Ask {
        audience: Some("https://other.example.test".into()),
        ..review()
    };
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Deny, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    world.clock.pass_seconds(1);
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::No).await.unwrap();
    world.clock.pass_seconds(1);
    let id = world.pending(session.id, elsewhere).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Deny, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    assert_eq!(world.load(session.id).state, SessionState::Active);
}

#[tokio::test]
async fn it_is_given_what_the_session_did_and_no_other() {
    let (world, session, reviewer) = scene().await;
    let other = world.session("bob", "coder").await;
    world.token(session.id, ask()).await.unwrap();
    world
        .refused(
            session.id,
            Ask {
                scopes: vec!["nonesuch".into()],
                ..ask()
            },
        )
        .await;
    world.token(other.id, ask()).await.unwrap();
    let id = world.pending(session.id, review()).await;
    world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Escalate, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    let case = reviewer.seen().pop().unwrap();
    assert_eq!((case.approval.id, case.approval.revision), (id, 1));
    assert_eq!(case.refusals, 1, "one that waits was not refused");
    assert!(
        case.history
            .iter()
            .all(|record| record.session == Some(session.id))
    );
    assert_eq!(case.history.len(), 5);
}

/// While it thinks, the world goes on: its yes counts only for what is still so.
#[tokio::test]
async fn its_yes_to_what_has_changed_meanwhile_is_a_persons_to_give() {
    for name in ["locked", "policies", "held", "no more a reviewer"] {
        let (mut world, session, reviewer) = scene().await;
        let id = world.pending(session.id, review()).await;
        let broker = world.broker.clone();
        let (policy, held) = (Arc::clone(&world.policy), session.id);
        world.broker.settings.approvals.suspend_after = 1;
        let noisy = world.broker.clone();
        reviewer.say_after(
            Box::pin(async move {
                match name {
                    "locked" => lifecycle::lock(&broker, "lunch").await.unwrap(),
                    "policies" => policy.follow(reviewed().human(&[]).forbid(&[("bills", "read")])),
                    "held" => hold(&noisy, held).await,
                    _ => policy.follow(tiers()),
                }
            }),
            Ok(reviewer.opinion(Finding::Approve, Risk::Low)),
        );
        approvals::review(&world.broker, id).await.unwrap();
        left_to_a_person(&world, id, name);
    }
}

/// Asks for too much.
async fn hold(broker: &valetkey_core::Broker, session: valetkey_core::SessionId) {
    let callers = valetkey_support::fakes::callers::FakeCallers::new(crate::world::OWNER);
    let caller = Arc::new(callers.caller().unwrap());
    let received =
        valetkey_core::request::Received::new(broker.request_id(), session, caller, write());
    let refused = valetkey_core::flow::token(broker, received).await;
    let code = refused
        .map(|released| released.lease().clone())
        .unwrap_err();
    assert_eq!(code.code(), Code::SessionHeld);
}

#[tokio::test]
async fn a_person_who_is_faster_counts_and_the_verdict_is_kept() {
    for answer in [Answer::Session, Answer::No] {
        let (mut world, session, reviewer) = scene().await;
        world.broker.settings.approvals.denials = 1;
        let world = Arc::new(world);
        let id = world.pending(session.id, review()).await;
        let person = Arc::clone(&world);
        reviewer.say_after(
            Box::pin(async move {
                person.say("alice", id, answer).await.unwrap();
            }),
            Ok(reviewer.opinion(Finding::Deny, Risk::High)),
        );
        let late = approvals::review(&world.broker, id).await;
        assert_eq!(late.unwrap_err().code(), Code::ApprovalSettled);
        let Event::ApprovalReviewed { outcome, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(outcome, "none");
        let state = &world.load(session.id).state;
        assert_eq!(*state, SessionState::Active, "a no that does not count");
        assert!(world.approval(id).opinion.is_none());
    }
}

/// The question goes from the reviewer to people while somebody answers: it is the same question.
#[tokio::test]
async fn an_answer_is_not_lost_to_an_escalation() {
    let (world, session, reviewer) = scene().await;
    let world = Arc::new(world);
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Escalate, Risk::Low)));
    let other = Arc::clone(&world);
    world.policy.between(Box::new(move || {
        let mut escalation = Box::pin(approvals::review(&other.broker, id));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let done = escalation.as_mut().poll(&mut context);
        assert!(matches!(done, std::task::Poll::Ready(Ok(()))), "{done:?}");
    }));
    let answered = world.say("alice", id, Answer::Once).await.unwrap();
    assert!(answered.opinion.is_some());
    world.token(session.id, review()).await.unwrap();
}

#[tokio::test]
async fn without_a_reviewer_what_waits_for_one_goes_to_a_person() {
    let (mut world, session, _) = scene().await;
    let id = world.pending(session.id, review()).await;
    world.broker.ports.reviewer = None;
    approvals::review(&world.broker, id).await.unwrap();
    left_to_a_person(&world, id, "none");
}

/// Its yes is used only as long as it is the one that is configured.
#[tokio::test]
async fn another_reviewer_does_not_stand_for_the_first() {
    let (mut world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Approve, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    world.broker.ports.reviewer = Some(Arc::new(ScriptedReviewer::new("other")));
    let again = world.pending(session.id, review()).await;
    assert_ne!(again, id);
    world.broker.ports.reviewer = None;
    world.pending(session.id, review()).await;
    world.broker.ports.reviewer = Some(reviewer);
    world.token(session.id, review()).await.unwrap();
    let State::Over { ending, .. } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    assert_eq!(ending, Ending::Used);
}

/// A verdict that comes after the question has run out changes nothing.
#[tokio::test]
async fn a_verdict_that_comes_late_grants_nothing() {
    for finding in [Finding::Approve, Finding::Deny, Finding::Escalate] {
        let (world, session, reviewer) = scene().await;
        let id = world.pending(session.id, review()).await;
        let clock = Arc::clone(&world.clock);
        reviewer.say_after(
            Box::pin(async move { clock.pass_seconds(600) }),
            Ok(reviewer.opinion(finding, Risk::Low)),
        );
        let late = approvals::review(&world.broker, id).await;
        assert_eq!(late.unwrap_err().code(), Code::ApprovalExpired);
        let Event::ApprovalReviewed { outcome, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(outcome, "none");
        assert_ne!(world.pending(session.id, review()).await, id);
    }
}

/// What was left to people stays with people: who asks again with other words, for a second more, or
/// after taking the question back does not get another throw.
#[tokio::test]
async fn an_escalation_is_not_thrown_again() {
    let lives = |seconds| Ask {
        lifetime: Some(seconds),
        ..review()
    };
    let (world, session, reviewer) = scene().await;
    let first = world.pending(session.id, lives(100)).await;
    // It has not answered yet: a second more is no second throw.
    let beside = world.pending(session.id, lives(101)).await;
    assert_eq!(at_stage(&world, beside), Stage::Person);

    reviewer.say(Ok(reviewer.opinion(Finding::Escalate, Risk::Low)));
    approvals::review(&world.broker, first).await.unwrap();
    let caller = world.callers.caller().unwrap();
    for id in [first, beside] {
        approvals::withdraw(&world.broker, session.id, &caller, id)
            .await
            .unwrap();
    }
    let mut again = lives(102);
    again.reason = Some("please".to_owned());
    let id = world.pending(session.id, again).await;
    assert_eq!(at_stage(&world, id), Stage::Person);

    // Another session has not asked, and after a while this one may again.
    let other = world.session("alice", "coder").await;
    let id = world.pending(other.id, review()).await;
    assert_eq!(at_stage(&world, id), Stage::Reviewer);
    world.clock.pass_seconds(601);
    approvals::expire_due(&world.broker).await.unwrap();
    let id = world.pending(session.id, review()).await;
    assert_eq!(at_stage(&world, id), Stage::Reviewer);
}

#[tokio::test]
async fn a_reviewer_without_time_leaves_it_to_people() {
    let (world, session, reviewer) = scene().await;
    let id = world.pending(session.id, review()).await;
    approvals::leave_to_people(&world.broker, id, "it was too busy to look")
        .await
        .unwrap();
    left_to_a_person(&world, id, "too busy");
    approvals::leave_to_people(&world.broker, id, "twice")
        .await
        .unwrap();
    assert_eq!(reviewer.seen().len(), 0);
}

/// Others' records, and many of its own, do not push a refusal out of sight.
#[tokio::test]
async fn a_refusal_of_long_ago_is_counted_still() {
    let (world, session, reviewer) = scene().await;
    let none = Ask {
        scopes: vec!["nonesuch".into()],
        ..ask()
    };
    world.refused(session.id, none).await;
    for _ in 0..2100 {
        world.token(session.id, ask()).await.unwrap();
    }
    let id = world.pending(session.id, review()).await;
    reviewer.say(Ok(reviewer.opinion(Finding::Escalate, Risk::Low)));
    approvals::review(&world.broker, id).await.unwrap();
    let case = reviewer.seen().pop().unwrap();
    assert_eq!((case.refusals, case.complete), (1, true));
    assert_eq!(case.history.len(), 20);
}
