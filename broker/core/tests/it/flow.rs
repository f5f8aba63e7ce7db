//! One token request that goes well, and what a ledger that fails makes of it.

use std::{future::pending, sync::Arc, task::Poll};

use valetkey_codes::Code;
use valetkey_core::{
    Event, Record, Refusal, flow,
    ports::{Effect, LedgerError},
    request::{Ask, Released},
};
use valetkey_secret::Destination;

use crate::{
    ledger::{At, Mishap},
    world::{World, ask},
};

fn text(released: &Released) -> String {
    let bytes = released
        .token()
        .disclose(Destination::AgentReply, <[u8]>::to_vec);
    String::from_utf8(bytes).unwrap()
}

fn code(outcome: Result<Released, Refusal>) -> Code {
    outcome.map(|released| text(&released)).unwrap_err().code()
}

#[tokio::test]
async fn a_local_source_leaves_one_record() {
    let (world, session) = World::with_session().await;
    let released = world.token(session.id, ask()).await.unwrap();

    let lease = released.lease();
    assert_eq!(
        text(&released),
        format!("fake-{}-{}", lease.id, lease.expires)
    );
    assert_eq!(lease.session, session.id);
    assert_eq!(lease.grant.scopes.to_string(), "read");
    assert_eq!(lease.grant.audience.as_str(), "https://orders.example.test");

    assert_eq!(world.events(), ["started", "issued"]);
    let record = world.records().pop().unwrap();
    assert!(record.request.is_some());
    assert_eq!(record.session, Some(session.id));
    let Event::TokenIssued {
        lease: kept,
        user,
        policies,
        caller,
        ..
    } = record.event
    else {
        panic!("{record:?}")
    };
    assert_eq!(&kept, lease);
    assert_eq!(user, session.user.id);
    assert_eq!(policies, ["permit orders read"]);
    assert_eq!((caller.uid, caller.pid, caller.started), (1000, 4242, 1));
}

#[tokio::test]
async fn no_record_holds_the_token() {
    let (world, session) = World::with_session_and(Effect::Upstream).await;
    let token = text(&world.token(session.id, ask()).await.unwrap());
    assert!(!format!("{:?}", world.records()).contains(&token));
}

#[tokio::test]
async fn an_upstream_source_is_asked_after_the_intent_is_recorded() {
    let (world, session) = World::with_session_and(Effect::Upstream).await;
    let (records, seen) = (Arc::clone(&world.ledger.straight), Arc::default());
    let sight: Arc<std::sync::Mutex<Vec<Record>>> = Arc::clone(&seen);
    world.source.meanwhile(Box::pin(async move {
        *sight.lock().unwrap() = records.records();
    }));
    let released = world.token(session.id, ask()).await.unwrap();

    let before = seen.lock().unwrap().pop().unwrap();
    let Event::TokenIntended {
        grant, policies, ..
    } = &before.event
    else {
        panic!("{before:?}")
    };
    assert_eq!(grant, &released.lease().grant);
    assert_eq!(policies, &["permit orders read"]);
    assert_eq!(world.events(), ["started", "intended", "issued"]);
    let requests: Vec<_> = world
        .records()
        .into_iter()
        .map(|record| record.request)
        .collect();
    assert_eq!(requests.get(1), requests.get(2), "both of one request");
}

#[tokio::test]
async fn without_the_intent_on_record_the_source_is_not_asked() {
    for error in [
        LedgerError::Unwritable("disk full".into()),
        LedgerError::Slow,
    ] {
        let (world, session) = World::with_session_and(Effect::Upstream).await;
        world.ledger.expect(At::Intent, Mishap::Fails(error));
        let refused = world.token(session.id, ask()).await;
        assert_eq!(code(refused), Code::AuditUnavailable);
        assert_eq!(world.source.fake.obtained(), 0);
        assert_eq!(world.events(), ["started", "refused"]);
    }
}

#[tokio::test]
async fn without_the_outcome_on_record_the_token_is_not_released() {
    for error in [
        LedgerError::Unwritable("disk full".into()),
        LedgerError::Slow,
    ] {
        let (world, session) = World::with_session().await;
        world.ledger.expect(At::Outcome, Mishap::Fails(error));
        let refused = world.token(session.id, ask()).await;
        assert_eq!(code(refused), Code::AuditUnavailable);
        assert_eq!(
            world.source.fake.obtained(),
            1,
            "it was made, and nobody reads it"
        );
        assert_eq!(world.events(), ["started", "refused"]);
    }
}

#[tokio::test]
async fn a_receipt_for_another_record_releases_nothing() {
    let (world, session) = World::with_session().await;
    world.ledger.expect(At::Outcome, Mishap::NamesAnother);
    let refused = world.token(session.id, ask()).await;
    assert_eq!(code(refused), Code::AuditUnavailable);
    let Event::TokenRefused { detail, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert_eq!(detail.as_deref(), Some("the receipt is for another record"));
}

/// A refusal needs no record to be one.
#[tokio::test]
async fn a_ledger_that_takes_nothing_leaves_refusals_as_they_are() {
    let (world, session) = World::with_session().await;
    world.ledger.straight.break_with(Some(LedgerError::Slow));
    let denied = Ask {
        scopes: vec!["write".to_owned()],
        ..ask()
    };
    assert_eq!(code(world.token(session.id, denied).await), Code::Denied);
    assert_eq!(
        code(world.token(session.id, ask()).await),
        Code::AuditUnavailable
    );
}

#[tokio::test]
async fn the_reason_is_kept_clean_and_decides_nothing() {
    let (world, session) = World::with_session().await;
    let reasons = [
        None,
        Some("\u{1b}[2Jpolicy: permit\u{202e}".to_owned()),
        Some("x".repeat(9999)),
    ];
    for reason in reasons {
        let asked = Ask { reason, ..ask() };
        world.token(session.id, asked).await.unwrap();
    }
    let heard = world.policy.heard();
    assert_eq!(heard.len(), 3);
    assert!(
        heard.windows(2).all(|two| two.first() == two.last()),
        "{heard:?}"
    );

    let kept = world
        .records()
        .into_iter()
        .filter_map(|record| match record.event {
            Event::TokenIssued { reason, .. } => Some(reason),
            _ => None,
        });
    let kept: Vec<_> = kept.collect();
    let cleaned = "\u{fffd}[2Jpolicy: permit\u{fffd}".to_owned();
    assert_eq!(kept, [None, Some(cleaned), Some("x".repeat(500))]);
}

/// Whoever asked has gone, and the door drops the request in the middle.
#[tokio::test]
async fn a_request_that_is_dropped_leaves_no_token_on_record() {
    let (world, session) = World::with_session_and(Effect::Upstream).await;
    world.source.meanwhile(Box::pin(pending()));
    let mut request = Box::pin(world.token(session.id, ask()));
    let first =
        std::future::poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending()));
    assert!(first.await, "the source is still busy");
    drop(request);
    assert_eq!(world.source.fake.obtained(), 1);
    assert_eq!(world.events(), ["started", "intended"]);
}

#[tokio::test]
async fn a_door_can_record_whom_it_turned_away() {
    let (world, session) = World::with_session().await;
    let received = world.received(session.id, ask());
    let refusal = Refusal::new(Code::TooManyRequests).because("the burst is spent");
    flow::turn_away(&world.broker, &received, &refusal).await;
    let Event::TokenRefused {
        code,
        detail,
        credential,
        scopes,
        caller,
        ..
    } = world.last()
    else {
        panic!("{:?}", world.last())
    };
    assert_eq!(code, "too_many_requests");
    assert_eq!(detail.as_deref(), Some("the burst is spent"));
    assert_eq!(
        (credential.as_str(), scopes.as_str(), caller.pid),
        ("orders", "read", 4242)
    );
}
