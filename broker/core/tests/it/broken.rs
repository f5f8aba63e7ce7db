//! A ledger that fails at each step of an approval: a refusal, and nothing granted (promise 8).

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Event, Risk,
    approval::{Answer, Finding, State},
    approvals, lifecycle,
    ports::LedgerError,
};
use valetkey_support::fakes::{policy::Who, reviewer::ScriptedReviewer};

use crate::{
    people::{nth, review, tiers, write},
    world::{World, account, ask},
};

fn errors() -> [LedgerError; 2] {
    [
        LedgerError::Unwritable("disk full".into()),
        LedgerError::Slow,
    ]
}

#[tokio::test]
async fn no_question_without_a_record() {
    for error in errors() {
        let (world, session) = World::with_tiers().await;
        let asked = |event: &Event| matches!(event, Event::ApprovalAsked { .. });
        world.ledger.straight.break_at(asked, error);
        let refusal = world.refused(session.id, write()).await;
        assert_eq!(refusal.code(), Code::AuditUnavailable);
        assert_eq!(refusal.approval(), None);
        assert_eq!(world.questions(), 0);
        assert_eq!(world.events(), ["started", "refused"]);
    }
}

#[tokio::test]
async fn no_answer_without_a_record() {
    for error in errors() {
        for answer in [Answer::Once, Answer::For(60), Answer::Session, Answer::No] {
            let (world, session) = World::with_tiers().await;
            let id = world.pending(session.id, write()).await;
            let answered = |event: &Event| matches!(event, Event::ApprovalAnswered { .. });
            world.ledger.straight.break_at(answered, error.clone());
            let code = world.not_heard("alice", id, answer).await;
            assert_eq!(code, Code::AuditUnavailable, "{answer:?}");
            assert!(world.approval(id).is_open());
            assert_eq!(world.pending(session.id, write()).await, id);
            world.ledger.straight.break_with(None);
            world.say("alice", id, answer).await.unwrap();
        }
    }
}

/// Ending a session takes away, and that holds without a record.
#[tokio::test]
async fn a_no_that_ends_the_session_ends_it() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let code = world.not_heard("alice", id, Answer::NoAndEnd).await;
    assert_eq!(code, Code::AuditUnavailable, "and it is said");
    world.ledger.straight.break_with(None);
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::SessionEnded);
}

#[tokio::test]
async fn no_token_where_the_answer_cannot_be_spent() {
    for error in errors() {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        world.say("alice", id, Answer::Once).await.unwrap();
        let spent = |event: &Event| matches!(event, Event::ApprovalEnded { .. });
        world.ledger.straight.break_at(spent, error);
        let refusal = world.refused(session.id, write()).await;
        assert_eq!(refusal.code(), Code::AuditUnavailable);
        assert_eq!(world.source.fake.obtained(), 0);
        assert!(matches!(world.state(id), State::Granted { .. }));
        world.ledger.straight.break_with(None);
        world.token(session.id, write()).await.unwrap();
    }
}

#[tokio::test]
async fn no_token_of_a_remembered_answer_without_its_record() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::AuditUnavailable);
}

#[tokio::test]
async fn no_verdict_without_a_record() {
    for finding in [Finding::Approve, Finding::Deny, Finding::Escalate] {
        let (mut world, session) = World::with_session().await;
        let reviewer = Arc::new(ScriptedReviewer::new("look"));
        world.broker.ports.reviewer = Some(Arc::clone(&reviewer) as _);
        let look = Who::Reviewer("look".into(), None);
        world.policy.follow(tiers().approver(look, "bills"));
        let id = world.pending(session.id, review()).await;
        world.ledger.straight.break_with(Some(LedgerError::Slow));
        reviewer.say(Ok(reviewer.opinion(finding, Risk::Low)));
        let refused = approvals::review(&world.broker, id).await;
        assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
        assert!(world.approval(id).is_open() && world.approval(id).opinion.is_none());
        world.ledger.straight.break_with(None);
        assert_eq!(world.pending(session.id, review()).await, id);
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_taken_back_and_that_is_said() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refused = approvals::take_back(&world.broker, &account("alice"), id).await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    // Nothing is issued meanwhile.
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::AuditUnavailable);
}

/// Time ends a question whether or not anybody can write that down.
#[tokio::test]
async fn what_has_run_out_has_run_out() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.clock.pass_seconds(600);
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refused = approvals::expire_due(&world.broker).await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    let code = world.not_heard("alice", id, Answer::Session).await;
    assert_eq!(code, Code::ApprovalExpired);
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::AuditUnavailable);
}

#[tokio::test]
async fn who_asks_too_often_is_held_without_a_record() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.suspend_after = 1;
    world.pending(session.id, nth(0)).await;
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refusal = world.refused(session.id, nth(1)).await;
    assert_eq!(refusal.code(), Code::AuditUnavailable);
    world.ledger.straight.break_with(None);
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let refused = lifecycle::resume(&world.broker, session.id).await;
    assert_eq!(refused.unwrap_err().code(), Code::AuditUnavailable);
    world.ledger.straight.break_with(None);
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(
        refusal.code(),
        Code::SessionHeld,
        "nor is it woken without one"
    );
}
