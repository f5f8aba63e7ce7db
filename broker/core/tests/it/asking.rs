//! A request that needs an approval becomes a question, and ten equal ones become one.

use std::sync::{Arc, Mutex};

use valetkey_codes::Code;
use valetkey_core::{
    Approval, ApprovalId, Event, Moment, SessionId, SessionState, Tier,
    approval::{self, Ending, Stage, State},
    approvals, flow, lifecycle,
    ports::{Answer, ApprovalError, Approvals, Kept},
    record::SealedRecord,
    request::Ask,
};

use crate::{
    doors::Told,
    people::{nth, write},
    world::{OWNER, World, ask},
};

#[tokio::test]
async fn the_agent_learns_the_id_at_once_and_the_ledger_what_was_shown() {
    let (world, session) = World::with_tiers().await;
    let asked = Ask {
        reason: Some("to close issue 7\u{1b}[2J".into()),
        ..write()
    };
    let refusal = world.refused(session.id, asked).await;
    assert_eq!(refusal.code(), Code::ApprovalPending);
    let id = refusal.approval().unwrap();
    assert_eq!(world.source.fake.obtained(), 0);
    assert_eq!(world.events(), ["started", "asked"], "and no second record");

    let approval = world.approval(id);
    let stage = Stage::Person;
    assert_eq!(approval.state, State::Open { stage });
    assert_eq!(approval.expires.remaining_seconds(approval.at), 600);
    let shown = &approval.asked;
    assert_eq!(shown.user, session.user.id);
    assert_eq!(shown.grant.scopes.to_string(), "write");
    assert_eq!(shown.grant.lifetime, 600);
    assert_eq!(shown.tier, Tier::Human);
    assert_eq!(shown.policies, ["human orders write"]);
    let cleaned = "to close issue 7\u{fffd}[2J";
    assert_eq!(shown.reason.as_deref(), Some(cleaned));

    let record = world.records().pop().unwrap();
    assert!(record.request.is_some());
    let Event::ApprovalAsked {
        approval: kept,
        digest,
        asked,
        expires,
    } = record.event
    else {
        panic!("{record:?}")
    };
    assert_eq!((kept, &asked), (id, shown));
    assert_eq!(
        (digest, expires),
        (approval.digest(), approval.expires.unix_ms)
    );
}

#[tokio::test]
async fn ten_equal_requests_make_one_question_and_each_is_on_record() {
    let (world, session) = World::with_tiers().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(world.pending(session.id, write()).await);
    }
    assert!(ids.iter().all(|id| Some(id) == ids.first()), "{ids:?}");
    assert_eq!(world.questions(), 1);
    let records = world.records();
    let requests: std::collections::BTreeSet<_> = records.iter().map(|r| r.request).collect();
    assert_eq!(requests.len(), 1 + 10, "each can be looked up by its id");
    let Event::TokenRefused { code, approval, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert_eq!((code.as_str(), approval), ("approval_pending", ids.pop()));
}

#[tokio::test]
async fn ten_equal_requests_at_once_make_one_question() {
    let (world, session) = World::with_tiers().await;
    let (a, b, c, d) = tokio::join!(
        world.pending(session.id, write()),
        world.pending(session.id, write()),
        world.pending(session.id, write()),
        world.pending(session.id, write()),
    );
    assert!([b, c, d].iter().all(|id| *id == a));
    assert_eq!(world.questions(), 1);
}

#[tokio::test]
async fn less_joins_and_more_is_another_question() {
    let (world, session) = World::with_tiers().await;
    let open = world.pending(session.id, nth(0)).await;
    for (less, joins) in [
        (nth(-50), true),
        (nth(1), false),
        (
            Ask {
                audience: Some("https://other.example.test".into()),
                ..nth(0)
            },
            false,
        ),
        (
            Ask {
                credential: "bills".into(),
                ..nth(0)
            },
            false,
        ),
        (
            Ask {
                scopes: vec!["read write".into()],
                ..nth(0)
            },
            false,
        ),
    ] {
        let (world, session) = (&world, session.id);
        let id = world.pending(session, less.clone()).await;
        assert_eq!(id == open, joins, "{less:?}");
    }
    let other = world.session("alice", "coder").await;
    assert_ne!(world.pending(other.id, nth(0)).await, open);
}

/// The sweep comes every second; a question that time has ended is not joined in between.
#[tokio::test]
async fn nobody_joins_a_question_that_can_not_be_answered_any_more() {
    let (world, session) = World::with_tiers().await;
    let late = world.pending(session.id, write()).await;
    world.clock.pass_seconds(600);
    let open = world.pending(session.id, write()).await;
    assert_ne!(open, late);
    let State::Over { ending, .. } = world.state(late) else {
        panic!("{:?}", world.state(late))
    };
    assert_eq!(ending, Ending::Expired);
    assert_eq!(world.events(), ["started", "asked", "over", "asked"]);
}

#[tokio::test]
async fn questions_expire_and_no_later_than_their_session() {
    let (world, session) = World::with_tiers().await;
    world.clock.pass_seconds(3600 - 60);
    let id = world.pending(session.id, write()).await;
    let approval = world.approval(id);
    assert_eq!(approval.expires.remaining_seconds(approval.at), 60);

    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.clock.pass_seconds(599);
    approvals::expire_due(&world.broker).await.unwrap();
    assert!(world.approval(id).is_open());
    world.clock.pass_seconds(1);
    approvals::expire_due(&world.broker).await.unwrap();
    let State::Over { ending, .. } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    assert_eq!(ending, Ending::Expired);
    approvals::expire_due(&world.broker).await.unwrap();
    assert_eq!(world.events(), ["started", "asked", "over"], "once");
}

#[tokio::test]
async fn an_agent_takes_its_own_question_back_and_no_other() {
    let (world, session) = World::with_tiers().await;
    let other = world.session("alice", "coder").await;
    let id = world.pending(session.id, write()).await;
    let caller = world.callers.caller().unwrap();
    let refused = approvals::withdraw(&world.broker, other.id, &caller, id).await;
    assert_eq!(refused.unwrap_err().code(), Code::UnknownApproval);
    assert!(world.approval(id).is_open());

    let withdrawn = approvals::withdraw(&world.broker, session.id, &caller, id).await;
    assert_eq!(withdrawn, Ok(()));
    let late = world
        .not_heard("alice", id, approval::Answer::Session)
        .await;
    assert_eq!(late, Code::ApprovalSettled);
    let again = approvals::withdraw(&world.broker, session.id, &caller, id).await;
    assert_eq!(again.unwrap_err().code(), Code::ApprovalSettled);
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn only_the_sessions_own_callers_withdraw() {
    let (mut world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let caller = world.callers.caller().unwrap();
    world.broker.settings.owner = OWNER + 1;
    let refused = approvals::withdraw(&world.broker, session.id, &caller, id).await;
    assert_eq!(refused.unwrap_err().code(), Code::CallerRefused);
    assert!(world.approval(id).is_open());
}

/// To withdraw is not to take back what a person granted, nor to make a no undone.
#[tokio::test]
async fn an_agent_withdraws_no_answer() {
    for answer in [approval::Answer::Session, approval::Answer::No] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        world.say("alice", id, answer).await.unwrap();
        let caller = world.callers.caller().unwrap();
        let refused = approvals::withdraw(&world.broker, session.id, &caller, id).await;
        assert_eq!(refused.unwrap_err().code(), Code::ApprovalSettled);
    }
}

#[tokio::test]
async fn what_was_refused_stays_refused_for_a_while_for_the_same_and_for_more() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, approval::Answer::No).await.unwrap();
    let more = Ask {
        scopes: vec!["read write".into()],
        ..write()
    };
    for again in [write(), more, nth(-99), nth(700)] {
        let refusal = world.refused(session.id, again.clone()).await;
        assert_eq!(refusal.code(), Code::ApprovalRefused, "{again:?}");
        assert_eq!(refusal.approval(), Some(id));
    }
    assert_eq!(world.questions(), 1, "nobody is asked again");
    // Something else may be asked for, and by another session the same.
    let elsewhere = Ask {
        audience: Some("https://other.example.test".into()),
        ..write()
    };
    world.pending(session.id, elsewhere).await;
    let other = world.session("alice", "coder").await;
    world.pending(other.id, write()).await;

    world.clock.pass_seconds(600);
    world.pending(session.id, write()).await;
}

#[tokio::test]
async fn a_no_to_more_is_no_no_to_less() {
    let (world, session) = World::with_tiers().await;
    let more = Ask {
        scopes: vec!["read write".into()],
        ..write()
    };
    let id = world.pending(session.id, more).await;
    world.say("alice", id, approval::Answer::No).await.unwrap();
    world.pending(session.id, write()).await;
    world.token(session.id, ask()).await.unwrap();
}

#[tokio::test]
async fn only_so_many_questions_wait_at_once() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.max_open = 3;
    for n in 0..3 {
        world.pending(session.id, nth(n)).await;
    }
    let refusal = world.refused(session.id, nth(3)).await;
    assert_eq!(refusal.code(), Code::TooManyQuestions);
    world.pending(session.id, nth(0)).await;
    world.token(session.id, ask()).await.unwrap();
    // Another session has its own count.
    let other = world.session("alice", "coder").await;
    world.pending(other.id, nth(3)).await;
}

/// Lets other requests of the session be stored between the look and the first save.
struct Overtaken {
    inner: Arc<dyn Approvals>,
    first: Mutex<Option<Answer<'static, ()>>>,
}

impl Approvals for Overtaken {
    fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        self.inner.list(session)
    }

    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>> {
        let first = self.first.lock().unwrap().take();
        Box::pin(async move {
            if let Some(first) = first {
                first.await;
            }
            self.inner.save(approval, record).await
        })
    }

    fn touch(&self, approval: ApprovalId, now: Moment) {
        self.inner.touch(approval, now);
    }

    fn changed(&self, seen: u64) -> Answer<'_, u64> {
        self.inner.changed(seen)
    }
}

/// Side by side they all find room, and no more of them wait than may.
#[tokio::test]
async fn side_by_side_no_more_wait_than_may() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.max_open = 3;
    let inner = Arc::clone(&world.broker.ports.approvals);
    let broker = world.broker.clone();
    let others: Vec<_> = (0..3).map(|n| world.received(session.id, nth(n))).collect();
    let first = async move {
        for received in others {
            assert!(flow::token(&broker, received).await.is_err());
        }
    };
    world.broker.ports.approvals = Arc::new(Overtaken {
        inner,
        first: Mutex::new(Some(Box::pin(first))),
    });
    let refusal = world.refused(session.id, nth(3)).await;
    assert_eq!(refusal.code(), Code::TooManyQuestions);
    let kept = world.broker.ports.approvals.list(Some(session.id));
    assert_eq!(
        kept.iter().filter(|kept| kept.approval.is_open()).count(),
        3
    );
}

#[tokio::test]
async fn who_asks_too_often_is_slowed_and_then_held_for_all_to_see() {
    let (mut world, session) = World::with_tiers().await;
    let rules = &mut world.broker.settings.approvals;
    (rules.slow_after, rules.slow_gap, rules.suspend_after) = (2, 15, 6);
    for n in 0..2 {
        world.pending(session.id, nth(n)).await;
    }
    for n in 2..4 {
        let refusal = world.refused(session.id, nth(n)).await;
        assert_eq!(refusal.code(), Code::TooManyQuestions);
        world.clock.pass_seconds(15);
        world.pending(session.id, nth(n)).await;
    }
    let refusal = world.refused(session.id, nth(4)).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
    let SessionState::Held { reason } = &world.load(session.id).state else {
        panic!("{:?}", world.load(session.id))
    };
    assert_eq!(reason, "it asked for 6 approvals within 600 s");
    assert!(world.doors.told().contains(&Told::Changed(session.id)));
    let kinds = world.events();
    assert_eq!(
        kinds.get(kinds.len() - 2..),
        Some(&["changed", "refused"][..])
    );
    let refusal = world.refused(session.id, ask()).await;
    assert_eq!(refusal.code(), Code::SessionHeld, "for nothing else either");

    // Its developer looks, and wakes it: from then on it is counted anew.
    world.clock.pass_seconds(1);
    lifecycle::resume(&world.broker, session.id).await.unwrap();
    world.token(session.id, ask()).await.unwrap();
    world.pending(session.id, nth(5)).await;
    world.pending(session.id, nth(6)).await;
    let refusal = world.refused(session.id, nth(7)).await;
    assert_eq!(refusal.code(), Code::TooManyQuestions);
}

/// Who is slowed down and goes on all the same is held, though nobody was asked anything more.
#[tokio::test]
async fn who_does_not_wait_is_held_too() {
    let (mut world, session) = World::with_tiers().await;
    let rules = &mut world.broker.settings.approvals;
    (rules.slow_after, rules.slow_gap, rules.suspend_after) = (2, 15, 5);
    for n in 0..2 {
        world.pending(session.id, nth(n)).await;
    }
    for _ in 2..5 {
        let refusal = world.refused(session.id, nth(2)).await;
        assert_eq!(refusal.code(), Code::TooManyQuestions);
    }
    let refusal = world.refused(session.id, nth(2)).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
    let open = world.broker.ports.approvals.list(Some(session.id));
    let open = open.iter().filter(|kept| kept.approval.is_open());
    assert_eq!(open.count(), 2);
}

/// Who stays just below what is enough in one window is met by what is enough in six.
#[tokio::test]
async fn patience_does_not_help_for_ever() {
    let (mut world, session) = World::with_tiers().await;
    let rules = &mut world.broker.settings.approvals;
    (rules.slow_after, rules.suspend_after, rules.window) = (5, 5, 60);
    rules.expire_after = 10;
    for n in 0..15 {
        if n > 0 && n % 4 == 0 {
            world.clock.pass_seconds(61);
            approvals::expire_due(&world.broker).await.unwrap();
        }
        world.pending(session.id, nth(n)).await;
    }
    let refusal = world.refused(session.id, nth(15)).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
}

/// To ask and take back is to ask.
#[tokio::test]
async fn withdrawing_forgives_nothing() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.suspend_after = 3;
    let caller = world.callers.caller().unwrap();
    for n in 0..3 {
        let id = world.pending(session.id, nth(n)).await;
        approvals::withdraw(&world.broker, session.id, &caller, id)
            .await
            .unwrap();
    }
    let refusal = world.refused(session.id, nth(3)).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
}

#[tokio::test]
async fn questions_of_long_ago_do_not_count() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.suspend_after = 3;
    for n in 0..6 {
        world.pending(session.id, nth(n)).await;
        world.clock.pass_seconds(300);
        approvals::expire_due(&world.broker).await.unwrap();
    }
}

/// A clock that is set back forgives nothing, and slows no less.
#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_room() {
    let (mut world, session) = World::with_tiers().await;
    let rules = &mut world.broker.settings.approvals;
    (rules.slow_after, rules.slow_gap, rules.suspend_after) = (1, 15, 4);
    world.pending(session.id, nth(0)).await;
    world.clock.change(|now| now.unix_ms -= 3_600_000);
    let refusal = world.refused(session.id, nth(1)).await;
    assert_eq!(refusal.code(), Code::TooManyQuestions);
    for n in 1..3 {
        world.clock.pass_seconds(15);
        world.pending(session.id, nth(n)).await;
    }
    let refusal = world.refused(session.id, nth(3)).await;
    assert_eq!(refusal.code(), Code::SessionHeld);
}
