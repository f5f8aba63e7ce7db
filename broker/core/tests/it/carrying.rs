//! Messengers bring answers back, and are believed no more than anybody.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Event,
    approval::{Answer, State},
    approvals,
    ports::{CarriedAnswer, MessengerError},
};
use valetkey_support::fakes::{
    messenger::ScriptedMessenger,
    policy::{Rules, Who},
};

use crate::{
    people::{tiers, write},
    world::{World, account, user},
};

async fn scene() -> (
    World,
    valetkey_core::SessionId,
    ApprovalId,
    ScriptedMessenger,
) {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    (world, session.id, id, ScriptedMessenger::new("webhook"))
}

fn from(name: &str, group: &str, answer: Answer) -> CarriedAnswer {
    CarriedAnswer {
        by: user(name, group),
        answer,
        digest: String::new(),
    }
}

/// Brings back what is said here, about what was shown.
fn replies(messenger: &ScriptedMessenger, said: CarriedAnswer) {
    messenger.reply(move |question| {
        let digest = question.digest().to_string();
        Ok(Some(CarriedAnswer { digest, ..said }))
    });
}

#[tokio::test]
async fn an_answer_that_comes_back_is_one_like_any_other() {
    for (answer, granted) in [
        (Answer::Once, true),
        (Answer::Session, true),
        (Answer::No, false),
    ] {
        let (world, session, id, messenger) = scene().await;
        replies(&messenger, from("alice", "dev", answer));
        approvals::carry(&world.broker, id, &messenger)
            .await
            .unwrap();
        let carried = messenger.carried();
        let (question, asker) = carried.first().unwrap();
        assert_eq!((question.id, asker), (id, &user("alice", "dev").id));
        let Event::ApprovalAnswered { via, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(via, "webhook");
        assert_eq!(world.token(session, write()).await.is_ok(), granted);
    }
}

#[tokio::test]
async fn what_only_tells_leaves_the_question_open() {
    let (world, _, id, messenger) = scene().await;
    approvals::carry(&world.broker, id, &messenger)
        .await
        .unwrap();
    assert!(world.approval(id).is_open());
    assert_eq!(world.events(), ["started", "asked"]);
}

#[tokio::test]
async fn what_is_settled_is_not_carried() {
    let (world, _, id, messenger) = scene().await;
    world.say("alice", id, Answer::No).await.unwrap();
    approvals::carry(&world.broker, id, &messenger)
        .await
        .unwrap();
    assert_eq!(messenger.carried().len(), 0);
}

#[tokio::test]
async fn a_forgery_is_recorded_and_settles_nothing() {
    let (world, _, id, messenger) = scene().await;
    messenger.reply(|_| Err(MessengerError::Forged("the signature is wrong".into())));
    let forged = approvals::carry(&world.broker, id, &messenger).await;
    assert!(
        matches!(forged, Err(MessengerError::Forged(_))),
        "{forged:?}"
    );
    let disputed = Event::ApprovalDisputed {
        approval: id,
        by: None,
        code: Code::NotApprover.id().to_owned(),
        via: "webhook".to_owned(),
    };
    assert_eq!(world.last(), disputed);
    assert!(world.approval(id).is_open());
}

#[tokio::test]
async fn what_fails_is_no_answer_and_no_record() {
    let (world, _, id, messenger) = scene().await;
    for error in [
        MessengerError::Absent("nobody is there".into()),
        MessengerError::Failed("503".into()),
    ] {
        messenger.reply(move |_| Err(error));
        assert!(
            approvals::carry(&world.broker, id, &messenger)
                .await
                .is_err()
        );
    }
    assert_eq!(world.events(), ["started", "asked"]);
    assert!(world.approval(id).is_open());
}

/// The same subject at another provider is somebody else.
#[tokio::test]
async fn a_user_of_another_provider_is_nobody_here() {
    for answer in [Answer::Session, Answer::No, Answer::NoAndEnd] {
        let (world, _, id, messenger) = scene().await;
        let mut said = from("alice", "dev", answer);
        said.by.id.issuer = "https://id.evil.test".to_owned();
        let mallory = said.by.id.clone();
        replies(&messenger, said);
        let forged = approvals::carry(&world.broker, id, &messenger).await;
        assert!(
            matches!(forged, Err(MessengerError::Forged(_))),
            "{forged:?}"
        );
        let Event::ApprovalDisputed { by, via, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!((by, via.as_str()), (Some(mallory), "webhook"));
        assert!(world.approval(id).is_open());
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_none() {
    for digest in [String::new(), "00".repeat(32)] {
        let (world, _, id, messenger) = scene().await;
        let said = from("alice", "dev", Answer::Session);
        messenger.reply(move |_| Ok(Some(CarriedAnswer { digest, ..said })));
        let refused = approvals::carry(&world.broker, id, &messenger).await;
        assert!(refused.is_err());
        let Event::ApprovalDisputed { code, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(code, Code::ApprovalMismatch.id());
        assert!(world.approval(id).is_open());
    }
}

#[tokio::test]
async fn whoever_may_not_answer_may_not_by_messenger_either() {
    let cases = [
        (tiers(), false, from("bob", "dev", Answer::Session)),
        (tiers(), true, from("alice", "dev", Answer::Session)),
        (
            Rules::permit(&[])
                .human(&[("orders", "write")])
                .not_the_requester()
                .approver(Who::Group("admins".into()), "orders"),
            false,
            from("alice", "dev", Answer::Session),
        ),
    ];
    for (rules, four_eyes, said) in cases {
        let (mut world, session, id, messenger) = scene().await;
        world.policy.follow(rules);
        world.broker.settings.approvals.four_eyes = four_eyes;
        replies(&messenger, said);
        let refused = approvals::carry(&world.broker, id, &messenger).await;
        assert!(
            matches!(refused, Err(MessengerError::Failed(_))),
            "whoever may is still waited for: {refused:?}"
        );
        let Event::ApprovalDisputed { code, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(code, Code::NotApprover.id());
        assert!(world.approval(id).is_open());
        assert_eq!(world.pending(session, write()).await, id);
    }
}

/// Several messengers carry one question: the first answer counts.
#[tokio::test]
async fn an_answer_that_is_carried_back_twice_counts_once() {
    let (world, session, id, messenger) = scene().await;
    let world = Arc::new(world);
    let person = Arc::clone(&world);
    messenger.reply(move |question| {
        // Meanwhile it is answered at the terminal.
        let mut answered = Box::pin(person.say("alice", question.id, Answer::No));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(answered.as_mut().poll(&mut context).is_ready());
        let digest = question.digest().to_string();
        let said = from("alice", "dev", Answer::Session);
        Ok(Some(CarriedAnswer { digest, ..said }))
    });
    let late = approvals::carry(&world.broker, id, &messenger).await;
    assert!(late.is_err());
    assert!(matches!(world.state(id), State::Refused { .. }));
    let refusal = world.refused(session, write()).await;
    assert_eq!(refusal.code(), Code::ApprovalRefused);
}

/// The groups that a messenger vouches for are those that count for its answers, until a login says
/// otherwise.
#[tokio::test]
async fn whoever_approved_from_afar_is_asked_about_again() {
    let (world, session, id, messenger) = scene().await;
    let leads = Who::Group("leads".into());
    world.policy.follow(tiers().approver(leads, "orders"));
    replies(&messenger, from("bob", "leads", Answer::Session));
    world.logins.log_in(&account("bob"), user("bob", "leads"));
    approvals::carry(&world.broker, id, &messenger)
        .await
        .unwrap();
    world.token(session, write()).await.unwrap();
    world.logins.log_in(&account("bob"), user("bob", "dev"));
    world.pending(session, write()).await;
}
