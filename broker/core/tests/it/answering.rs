//! Who answers, what counts, and what each answer comes to.

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Event, SessionState,
    approval::{Answer, Approver, Ending, State, Term},
    approvals, lifecycle,
    ports::LoginEvents as _,
};
use valetkey_support::fakes::policy::{Rules, Who};

use crate::{
    people::{tiers, write},
    world::{World, account, ask, user},
};

const YES: [Answer; 3] = [Answer::Once, Answer::For(600), Answer::Session];

fn disputed(world: &World, id: ApprovalId, code: Code) {
    let Event::ApprovalDisputed {
        approval,
        by,
        code: kept,
        via,
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(
        (approval, kept.as_str(), via.as_str()),
        (id, code.id(), "socket")
    );
    assert!(by.is_some());
}

#[tokio::test]
async fn once_is_for_one_token() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let shown = world.say("alice", id, Answer::Once).await.unwrap();
    let State::Granted { by, term, .. } = &shown.state else {
        panic!("{shown:?}")
    };
    assert_eq!(by.display(), "alice");
    let use_by = world.approval(id).at.after(300);
    assert_eq!(*term, Term::Once { use_by });
    let Event::ApprovalAnswered {
        approval,
        digest,
        answer,
        seconds,
        by,
        via,
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!((approval, digest, seconds), (id, shown.digest(), None));
    assert_eq!((answer.as_str(), via.as_str()), ("once", "socket"));
    assert_eq!(by, session.user.id);

    world.token(session.id, write()).await.unwrap();
    let Event::TokenIssued {
        approval, policies, ..
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(approval, Some(id));
    assert_eq!(policies, ["human orders write"]);
    assert_eq!(
        world.events(),
        ["started", "asked", "answered", "over", "issued"],
        "spent before it was made"
    );
    assert_ne!(world.pending(session.id, write()).await, id);
}

#[tokio::test]
async fn an_answer_for_one_token_is_used_soon_or_not_at_all() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    world.clock.pass_seconds(300);
    assert_ne!(world.pending(session.id, write()).await, id);
    assert_eq!(world.source.fake.obtained(), 0);
}

#[tokio::test]
async fn for_a_while_and_for_the_session_are_for_every_token_until_then() {
    for (answer, until, said) in [
        (Answer::For(600), 600, Some(600)),
        (Answer::For(u64::MAX), 1800, Some(1800)),
        (Answer::Session, 1800, Some(1800)),
    ] {
        let (mut world, session) = World::with_tiers().await;
        world.broker.settings.approvals.remember_max = 1800;
        let id = world.pending(session.id, write()).await;
        world.say("alice", id, answer).await.unwrap();
        let Event::ApprovalAnswered { seconds, .. } = world.last() else {
            panic!("{:?}", world.last())
        };
        assert_eq!(seconds, said, "{answer:?}");
        for _ in 0..3 {
            world.token(session.id, write()).await.unwrap();
        }
        world.clock.pass_seconds(until - 1);
        world.token(session.id, write()).await.unwrap();
        world.clock.pass_seconds(1);
        assert_ne!(world.pending(session.id, write()).await, id, "{answer:?}");
    }
}

#[tokio::test]
async fn no_answer_reaches_beyond_the_session() {
    let (world, session) = World::with_tiers().await;
    world.clock.pass_seconds(3600 - 60);
    let id = world.pending(session.id, write()).await;
    let granted = world.say("alice", id, Answer::For(600)).await.unwrap();
    let State::Granted {
        term: Term::Until { until, .. },
        at,
        ..
    } = granted.state
    else {
        panic!("{granted:?}")
    };
    assert_eq!(until.remaining_seconds(at), 60);
}

#[tokio::test]
async fn an_answer_for_no_time_is_none() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let refused = world.not_heard("alice", id, Answer::For(0)).await;
    assert_eq!(refused, Code::InvalidRequest);
    assert!(world.approval(id).is_open());
}

#[tokio::test]
async fn no_is_no_and_may_end_the_session() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let refused = world.say("alice", id, Answer::No).await.unwrap();
    assert!(matches!(refused.state, State::Refused { .. }));
    assert_eq!(world.load(session.id).state, SessionState::Active);
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::ApprovalRefused);

    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::NoAndEnd).await.unwrap();
    assert_eq!(world.load(session.id).state, SessionState::Ended);
    assert_eq!(world.questions(), 0);
    assert_eq!(world.events(), ["started", "asked", "changed", "answered"]);
    let refusal = world.refused(session.id, write()).await;
    assert_eq!(refusal.code(), Code::SessionEnded);
}

#[tokio::test]
async fn the_first_answer_counts() {
    for first in [Answer::Once, Answer::Session, Answer::No] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        let stands = world.say("alice", id, first).await.unwrap();
        for second in [Answer::Session, Answer::No, Answer::NoAndEnd] {
            let code = world.not_heard("alice", id, second).await;
            assert_eq!(code, Code::ApprovalSettled);
            disputed(&world, id, code);
        }
        assert_eq!(*world.approval(id), stands);
        assert_eq!(world.load(session.id).state, SessionState::Active);
    }
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let (yes, no) = tokio::join!(
        world.say("alice", id, Answer::Session),
        world.say("alice", id, Answer::No),
    );
    assert!(yes.is_ok() != no.is_ok(), "{yes:?} {no:?}");
    let answered = |kind: &&str| *kind == "answered";
    assert_eq!(world.events().iter().filter(|k| answered(k)).count(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_late_is_none() {
    for answer in YES.into_iter().chain([Answer::No]) {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        world.clock.pass_seconds(600);
        let code = world.not_heard("alice", id, answer).await;
        assert_eq!(code, Code::ApprovalExpired, "{answer:?}");
        disputed(&world, id, code);
    }
}

/// What was shown is what is granted (promise 7).
#[tokio::test]
async fn an_answer_names_what_was_shown() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let other = world.session("alice", "coder").await;
    let theirs = world.pending(other.id, write()).await;
    let digest = world.approval(id).digest().to_string();
    let of_another = world.approval(theirs).digest().to_string();
    for wrong in [
        "",
        "0",
        &digest.to_uppercase(),
        &format!("{digest} "),
        digest.get(..63).unwrap(),
        &of_another,
    ] {
        for answer in [Answer::Session, Answer::No, Answer::NoAndEnd] {
            let refused = world.say_to("alice", id, wrong, answer).await;
            assert_eq!(refused.unwrap_err().code(), Code::ApprovalMismatch);
            disputed(&world, id, Code::ApprovalMismatch);
        }
    }
    assert!(world.approval(id).is_open());
    world
        .say_to("alice", id, &digest, Answer::Once)
        .await
        .unwrap();
}

/// Two questions that differ in anything that is shown have different digests.
#[tokio::test]
async fn every_word_that_is_shown_is_in_the_digest() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    let shown = world.approval(id);
    let mut asked = shown.asked.clone();
    let mut digests = vec![asked.digest(id, session.id)];
    let mut differs = |asked: &valetkey_core::approval::Asked| {
        let digest = asked.digest(id, session.id);
        assert!(!digests.contains(&digest), "{asked:?}");
        digests.push(digest);
    };
    asked.display.push('x');
    differs(&asked);
    asked.user.subject.push('x');
    differs(&asked);
    asked.workspace = Some("/src".into());
    differs(&asked);
    asked.reason = Some("please".into());
    differs(&asked);
    asked.grant.lifetime += 1;
    differs(&asked);
    asked.tier = valetkey_core::Tier::Review;
    differs(&asked);
    asked.policies.push("x".into());
    differs(&asked);
    let other = world.session("alice", "coder").await;
    assert_ne!(shown.asked.digest(id, other.id), shown.digest());
}

#[tokio::test]
async fn the_wrong_person_grants_nothing() {
    let others = Rules::permit(&[])
        .human(&[("orders", "write")])
        .not_the_requester()
        .approver(Who::Subject("id-of-boss".into()), "orders")
        .approver(Who::Group("dev".into()), "bills");
    for (rules, four_eyes, groups, right, wrong) in [
        (tiers(), false, "", "alice", "bob"),
        (others.clone(), false, "", "boss", "alice"),
        (others.clone(), false, "", "boss", "bob"),
        (others.clone(), false, "admins", "boss", "eve"),
        (
            tiers().approver(Who::Group("dev".into()), "orders"),
            true,
            "",
            "bob",
            "alice",
        ),
        (
            tiers().approver(Who::Group("admins".into()), "orders"),
            false,
            "admins",
            "boss",
            "alice",
        ),
    ] {
        let (mut world, session) = World::with_tiers().await;
        world.policy.follow(rules);
        let settings = &mut world.broker.settings.approvals;
        settings.four_eyes = four_eyes;
        settings.approver_groups = groups.split_whitespace().map(str::to_owned).collect();
        let id = world.pending(session.id, write()).await;
        for answer in YES {
            let code = world.not_heard(wrong, id, answer).await;
            assert_eq!(code, Code::NotApprover, "{wrong}");
            disputed(&world, id, code);
        }
        for (name, may) in [(wrong, false), (right, true)] {
            let viewer = world.logins_of(name);
            let shown = approvals::list(&world.broker, Some(&viewer));
            assert!(shown.iter().all(|shown| shown.may_answer == may), "{name}");
        }
        world.say(right, id, Answer::Session).await.unwrap();
        let viewer = world.logins_of(right);
        let shown = approvals::list(&world.broker, Some(&viewer));
        assert!(shown.iter().all(|shown| !shown.may_answer), "it is settled");
        world.token(session.id, write()).await.unwrap();
    }
}

/// Whoever asks may always do without; a stranger's no is no more theirs than their yes.
#[tokio::test]
async fn the_asker_may_always_say_no_and_a_stranger_never() {
    let (mut world, session) = World::with_tiers().await;
    world.broker.settings.approvals.four_eyes = true;
    let id = world.pending(session.id, write()).await;
    for answer in [Answer::No, Answer::NoAndEnd] {
        assert_eq!(world.not_heard("bob", id, answer).await, Code::NotApprover);
    }
    assert_eq!(world.load(session.id).state, SessionState::Active);
    world.say("alice", id, Answer::No).await.unwrap();
}

#[tokio::test]
async fn the_word_of_somebody_else_has_to_be_fresh() {
    let (world, session) = World::with_tiers().await;
    world
        .policy
        .follow(tiers().approver(Who::Group("admins".into()), "orders"));
    let id = world.pending(session.id, write()).await;
    world.say("boss", id, Answer::Once).await.unwrap();
    assert_eq!(world.logins.asked_within(), [77]);
    world.token(session.id, write()).await.unwrap();
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    assert_eq!(world.logins.asked_within(), [77], "one's own is known");

    world.token(session.id, write()).await.unwrap();
    let id = world.pending(session.id, write()).await;
    world.logins.kill(&account("boss"), "invalid_grant");
    let code = world.not_heard("boss", id, Answer::Once).await;
    assert_eq!(code, Code::LoginExpired);
}

#[tokio::test]
async fn after_the_session_is_over_there_is_nothing_to_answer() {
    for name in ["ended", "revoked", "expired"] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        let digest = world.approval(id).digest().to_string();
        match name {
            "ended" => drop(lifecycle::end(&world.broker, session.id).await.unwrap()),
            "revoked" => {
                let boss = account("boss");
                let authority = lifecycle::authority(&world.broker, &boss, "revoke").await;
                let target = lifecycle::RevokeTarget::Session(session.id);
                lifecycle::revoke(&world.broker, &authority.unwrap(), &boss, target, "drill")
                    .await
                    .unwrap();
            }
            _ => {
                world.clock.pass_seconds(3600);
                lifecycle::expire_due(&world.broker).await.unwrap();
            }
        }
        for answer in YES.into_iter().chain([Answer::No]) {
            let refused = world.say_to("alice", id, &digest, answer).await;
            assert_eq!(refused.unwrap_err().code(), Code::UnknownApproval, "{name}");
            disputed(&world, id, Code::UnknownApproval);
        }
        assert_eq!(world.questions(), 0, "{name}");
    }
}

/// A yes is for a session that may ask. A no works always.
#[tokio::test]
async fn while_the_session_may_not_ask_only_a_no_counts() {
    for name in ["suspended", "held", "over in all but record"] {
        let (mut world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        let code = match name {
            "suspended" => {
                let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
                follow.ended(&account("alice"), "invalid_grant").await;
                Code::SessionSuspended
            }
            "held" => {
                world.broker.settings.approvals.suspend_after = 1;
                let more = crate::people::nth(900);
                world.refused(session.id, more).await;
                Code::SessionHeld
            }
            _ => {
                // The last second of the session, and the question was asked in it.
                world.broker.settings.approvals.expire_after = 9999;
                world.clock.change(|now| now.boot_us += 3_600_000_000);
                Code::SessionExpired
            }
        };
        for answer in YES {
            assert_eq!(world.not_heard("alice", id, answer).await, code, "{name}");
        }
        if code != Code::SessionExpired {
            world.say("alice", id, Answer::No).await.unwrap();
        }
    }
}

/// Nobody should believe to have granted what will not be given.
#[tokio::test]
async fn after_the_policies_changed_the_approver_is_told() {
    let denying = tiers().forbid(&[("orders", "write")]);
    let nothing = Rules::permit(&[("orders", "read")]);
    for changed in [denying, nothing] {
        let (world, session) = World::with_tiers().await;
        let id = world.pending(session.id, write()).await;
        world.policy.follow(changed);
        let refused = world.say("alice", id, Answer::Session).await.unwrap_err();
        assert_eq!(refused.code(), Code::Denied);
        assert!(refused.message().contains("any more"), "{refused:?}");
        let State::Over { ending, .. } = world.state(id) else {
            panic!("{:?}", world.state(id))
        };
        assert_eq!(ending, Ending::PolicyChanged);
        let refusal = world.refused(session.id, write()).await;
        assert_eq!(refusal.code(), Code::Denied);
    }
}

#[tokio::test]
async fn after_the_policies_ask_for_more_it_is_asked_anew() {
    let (world, session) = World::with_session().await;
    world
        .policy
        .follow(Rules::permit(&[]).review(&[("orders", "write")]));
    let id = world.pending(session.id, write()).await;
    world.policy.follow(tiers());
    let refused = world.say("alice", id, Answer::Session).await.unwrap_err();
    assert_eq!(refused.code(), Code::Denied);
    assert!(refused.message().contains("ask for more"), "{refused:?}");
    assert_ne!(world.pending(session.id, write()).await, id);
}

/// With less friction than was shown, an answer is still an answer.
#[tokio::test]
async fn after_the_policies_ask_for_nothing_no_answer_is_spent() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Once).await.unwrap();
    world
        .policy
        .follow(Rules::permit(&[("orders", "read"), ("orders", "write")]));
    world.token(session.id, write()).await.unwrap();
    let Event::TokenIssued { approval, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert_eq!(approval, None);
    assert!(matches!(world.state(id), State::Granted { .. }));
}

#[tokio::test]
async fn policies_that_fail_grant_nothing_and_end_nothing() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.policy.follow(Rules::failing());
    for answer in YES {
        let code = world.not_heard("alice", id, answer).await;
        assert_eq!(code, Code::Denied);
    }
    assert!(world.approval(id).is_open());
    world.policy.follow(tiers());
    world.say("alice", id, Answer::Once).await.unwrap();
}

#[tokio::test]
async fn whose_answer_it_was_is_kept() {
    let (world, session) = World::with_tiers().await;
    let id = world.pending(session.id, write()).await;
    world.say("alice", id, Answer::Session).await.unwrap();
    let State::Granted { by, .. } = world.state(id) else {
        panic!("{:?}", world.state(id))
    };
    let expected = Approver::Person {
        user: user("alice", "dev"),
    };
    assert_eq!(by, expected);
    world.token(session.id, ask()).await.unwrap();
}
