//! Every refusal: its code for the agent, its reason for the ledger alone.

use valetkey_codes::Code;
use valetkey_core::{
    Event, Pins, SessionId, lifecycle,
    ports::{LedgerError, LoginEvents as _, SourceError, StoreError},
    request::Ask,
};
use valetkey_support::fakes::policy::Rules;

use crate::world::{OWNER, World, account, ask, start};

/// Asks, and looks at what came of it: the code, the reason on record, and that it was kept from the
/// agent. Gives back what the agent was told.
async fn refused(
    world: &World,
    session: SessionId,
    asked: Ask,
    code: Code,
    why: Option<&str>,
) -> String {
    let before = world.records().len();
    let outcome = world
        .token(session, asked.clone())
        .await
        .map(|r| r.lease().clone());
    let refusal = outcome.unwrap_err();
    assert_eq!(refusal.code(), code, "{asked:?}");
    if let Some(why) = why.filter(|why| !code.row().text.contains(why)) {
        assert!(
            !refusal.message().contains(why),
            "told the agent: {refusal:?}"
        );
    }

    let records = world.records();
    assert_eq!(records.len(), before + 1, "one record: {asked:?}");
    let record = records.last().unwrap();
    assert!(record.request.is_some());
    assert_eq!(record.session, Some(session));
    let Event::TokenRefused {
        code: kept, detail, ..
    } = &record.event
    else {
        panic!("{record:?}")
    };
    assert_eq!(kept, code.row().id);
    assert_eq!(detail.as_deref(), why, "{asked:?}");
    refusal.message().to_owned()
}

#[tokio::test]
async fn what_cannot_be_asked_for() {
    let (world, session) = World::with_session().await;
    let cases = [
        (
            Ask {
                credential: "nonesuch".into(),
                ..ask()
            },
            Code::UnknownCredential,
        ),
        (
            Ask {
                credential: "../orders".into(),
                ..ask()
            },
            Code::UnknownCredential,
        ),
        (
            Ask {
                credential: String::new(),
                ..ask()
            },
            Code::UnknownCredential,
        ),
        (
            Ask {
                scopes: vec![],
                ..ask()
            },
            Code::InvalidScope,
        ),
        (
            Ask {
                scopes: vec![" ".into()],
                ..ask()
            },
            Code::InvalidScope,
        ),
        (
            Ask {
                scopes: vec!["rule".into()],
                ..ask()
            },
            Code::InvalidScope,
        ),
        (
            Ask {
                scopes: vec!["read rule".into()],
                ..ask()
            },
            Code::InvalidScope,
        ),
        (
            Ask {
                scopes: vec!["re\u{7}ad".into()],
                ..ask()
            },
            Code::InvalidScope,
        ),
        (
            Ask {
                audience: Some("https://evil.example.test".into()),
                ..ask()
            },
            Code::InvalidTarget,
        ),
        (
            Ask {
                audience: Some(String::new()),
                ..ask()
            },
            Code::InvalidTarget,
        ),
        (
            Ask {
                lifetime: Some(0),
                ..ask()
            },
            Code::InvalidRequest,
        ),
        (
            Ask {
                lifetime: Some(i64::MIN),
                ..ask()
            },
            Code::InvalidRequest,
        ),
        (
            Ask {
                min_validity: Some(901),
                ..ask()
            },
            Code::InvalidRequest,
        ),
        (
            Ask {
                min_validity: Some(u64::MAX),
                ..ask()
            },
            Code::InvalidRequest,
        ),
    ];
    for (asked, code) in cases {
        refused(&world, session.id, asked, code, None).await;
    }
    assert_eq!(world.policy.heard(), [""; 0], "no policy was asked");
    assert_eq!(world.source.fake.obtained(), 0);
}

#[tokio::test]
async fn what_the_policies_do_not_permit() {
    let write = || Ask {
        scopes: vec!["write".into()],
        ..ask()
    };
    let forbid =
        Rules::permit(&[("orders", "read")]).forbid(&[("orders", "read"), ("orders", "write")]);
    let cases = [
        (Rules::default(), ask(), "no policy permits it"),
        (
            Rules::permit(&[("orders", "read")]),
            write(),
            "no policy permits it",
        ),
        (forbid.clone(), ask(), "forbidden by forbid orders read"),
        (forbid, write(), "forbidden by forbid orders write"),
        (
            Rules::failing(),
            ask(),
            "the policy engine failed: told to fail",
        ),
    ];
    for (rules, asked, why) in cases {
        let (world, session) = World::with_session().await;
        world.policy.follow(rules);
        let told = refused(&world, session.id, asked, Code::Denied, Some(why)).await;
        assert_eq!(told, Code::Denied.row().text, "always the same words");
        assert_eq!(world.source.fake.obtained(), 0);
    }
}

#[tokio::test]
async fn one_scope_too_many_denies_them_all() {
    let (world, session) = World::with_session().await;
    let both = Ask {
        scopes: vec!["read write".into()],
        ..ask()
    };
    refused(
        &world,
        session.id,
        both,
        Code::Denied,
        Some("no policy permits it"),
    )
    .await;
}

#[tokio::test]
async fn who_may_not_ask() {
    let (mut world, session) = World::with_session().await;
    world.broker.settings.owner = OWNER + 1;
    let why = Some("uid 1000 is not the owner's");
    refused(&world, session.id, ask(), Code::CallerRefused, why).await;
    assert_eq!(world.policy.heard(), [""; 0]);
}

#[tokio::test]
async fn who_is_not_what_the_session_is_pinned_to() {
    let pinned = Pins {
        executable_sha256: Some("ab".repeat(32)),
        cgroup: Some("/agents/one".into()),
        pid_namespace: None,
    };
    let cases = [
        (
            Pins {
                executable_sha256: None,
                ..pinned.clone()
            },
            "its executable is not the pinned one",
        ),
        (
            Pins {
                cgroup: Some("/agents/two".into()),
                ..pinned.clone()
            },
            "it is not in the pinned cgroup",
        ),
        (Pins::default(), "its executable is not the pinned one"),
    ];
    for (posing, why) in cases {
        let world = World::new(valetkey_core::ports::Effect::Local);
        let ask_for = lifecycle::StartSession {
            pins: pinned.clone(),
            ..start("alice", "coder")
        };
        let (session, _) = lifecycle::start(&world.broker, ask_for).await.unwrap();
        world.callers.pose_as(posing);
        refused(&world, session.id, ask(), Code::CallerRefused, Some(why)).await;
        world.callers.pose_as(pinned.clone());
        world.token(session.id, ask()).await.unwrap();
        world.callers.end();
        refused(
            &world,
            session.id,
            ask(),
            Code::CallerRefused,
            Some("it could not be examined"),
        )
        .await;
    }
}

#[tokio::test]
async fn sessions_that_may_not_ask() {
    let (world, session) = World::with_session().await;
    let nobody = SessionId::parse("0198c0de000070008000000000000bad").unwrap();
    refused(&world, nobody, ask(), Code::UnknownSession, None).await;

    let follow = lifecycle::SessionsFollowLogins::new(world.broker.clone());
    follow.ended(&account("alice"), "invalid_grant").await;
    refused(&world, session.id, ask(), Code::SessionSuspended, None).await;

    let ended = world.session("bob", "coder").await;
    lifecycle::end(&world.broker, ended.id).await.unwrap();
    refused(&world, ended.id, ask(), Code::SessionEnded, None).await;

    let over = world.session("bob", "coder").await;
    world.clock.pass_seconds(3600);
    refused(&world, over.id, ask(), Code::SessionExpired, None).await;
    lifecycle::expire_due(&world.broker).await.unwrap();
    refused(&world, over.id, ask(), Code::SessionExpired, None).await;
    assert_eq!(world.policy.heard(), [""; 0], "no policy was asked");
    assert_eq!(world.source.fake.obtained(), 0);
}

#[tokio::test]
async fn sources_that_give_nothing() {
    let cases = [
        (
            SourceError::Unavailable("id.internal.test: refused".into()),
            Code::UpstreamUnavailable,
        ),
        (SourceError::Failed("no such curve".into()), Code::Internal),
        (
            SourceError::Ledger(LedgerError::Slow),
            Code::AuditUnavailable,
        ),
        (SourceError::Secret(StoreError::Locked), Code::KeyringLocked),
        (
            SourceError::Secret(StoreError::Absent("no bus".into())),
            Code::KeyringAbsent,
        ),
        (
            SourceError::Secret(StoreError::Denied("no".into())),
            Code::KeyringDenied,
        ),
        (SourceError::Secret(StoreError::Slow(10)), Code::KeyringSlow),
        (SourceError::Secret(StoreError::NoEntry), Code::SecretAbsent),
    ];
    for (error, code) in cases {
        let (world, session) = World::with_session().await;
        let why = error.to_string();
        world.source.fail(error);
        let told = refused(&world, session.id, ask(), code, Some(&why)).await;
        assert_eq!(told, code.row().text);
        world.token(session.id, ask()).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_asked_is_kept_clean() {
    let (world, session) = World::with_session().await;
    let hostile = Ask {
        credential: "\u{1b}[2J".repeat(999),
        scopes: vec!["\u{202e}x".into(), "y".into()],
        ..ask()
    };
    refused(&world, session.id, hostile, Code::UnknownCredential, None).await;
    let Event::TokenRefused {
        credential, scopes, ..
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(credential.chars().count(), 200);
    assert!(!credential.contains('\u{1b}'));
    assert_eq!(scopes, "\u{fffd}x y");
}
