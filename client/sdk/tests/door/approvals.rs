//! Requests that wait for a person.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use tonic::{Status, metadata::MetadataMap};
use valetkey_sdk::{Agent, Code, TokenRequest, wire::metadata};

use crate::stub::{PATIENCE, Stub, token};

fn pending() -> Status {
    let mut map = MetadataMap::new();
    map.insert(metadata::CODE, Code::ApprovalPending.id().parse().unwrap());
    map.insert(metadata::APPROVAL, "approval-1".parse().unwrap());
    Status::with_metadata(tonic::Code::FailedPrecondition, "", map)
}

#[tokio::test]
async fn a_request_that_does_not_wait_names_the_question_and_is_not_kept() {
    let stub = Stub::start(|request, number| {
        assert_eq!(request.wait_seconds, None);
        match number {
            0 => Err(pending()),
            _ => Ok(token(number, 600)),
        }
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy");
    let error = agent.token(&request).await.err().unwrap();
    assert_eq!(error.code, Code::ApprovalPending);
    assert_eq!(error.approval.as_deref(), Some("approval-1"));
    let token = agent.token(&request).await.unwrap();
    assert_eq!(token.value().reveal(), "token-1");
}

#[tokio::test]
async fn what_was_waited_for_is_kept_for_everybody() {
    let stub = Stub::start(|request, number| match request.wait_seconds {
        None => Err(pending()),
        Some(120) => Ok(token(number, 600)),
        Some(other) => panic!("waits {other}"),
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let patient = TokenRequest::new("deploy").wait(Duration::from_secs(120));
    let waited = agent.token(&patient).await.unwrap();
    assert_eq!(waited.value().reveal(), "token-1");
    for request in [patient, TokenRequest::new("deploy")] {
        let kept = agent.token(&request).await.unwrap();
        assert_eq!(kept.value().reveal(), "token-1");
    }
    assert_eq!(stub.asked(), 2);
}

#[tokio::test]
async fn who_does_not_wait_does_not_queue_behind_somebody_who_does() {
    let waits = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&waits);
    let stub = Stub::start_waiting(move |request, number| match request.wait_seconds {
        None => Err(pending()),
        Some(_) => {
            seen.store(true, Ordering::SeqCst);
            Ok(token(number, 600))
        }
    });
    let agent = Arc::new(Agent::connect(&stub.path).await.unwrap());
    let patient = tokio::spawn({
        let agent = Arc::clone(&agent);
        async move {
            let request = TokenRequest::new("deploy").wait(Duration::from_secs(60));
            agent.token(&request).await.map(drop)
        }
    });
    timeout(PATIENCE, stub.waiting.notified()).await.unwrap();
    let request = TokenRequest::new("deploy");
    let hasty = agent.token(&request);
    let error = timeout(PATIENCE, hasty).await.unwrap().err().unwrap();
    assert_eq!(error.code, Code::ApprovalPending);
    assert!(!waits.load(Ordering::SeqCst), "nobody has answered yet");
    stub.open.notify_one();
    timeout(PATIENCE, patient).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn the_wait_comes_on_top_of_the_deadline() {
    let stub = Stub::start_waiting(|_, number| Ok(token(number, 600)));
    let agent = Agent::connect(&stub.path)
        .await
        .unwrap()
        .with_deadline(Duration::from_millis(50));
    let request = TokenRequest::new("deploy").wait(Duration::from_secs(1));
    let began = tokio::time::Instant::now();
    let error = agent.new_token(&request).await.err().unwrap();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_that_is_over_is_pending_and_a_longer_one_asks_again() {
    let stub = Stub::start(|_, _| Err(pending()));
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy").wait(Duration::from_secs(1201));
    let error = agent.new_token(&request).await.err().unwrap();
    assert_eq!(error.code, Code::ApprovalPending);
    assert_eq!(stub.asked(), 3);
}

#[tokio::test]
async fn a_question_is_taken_back() {
    let stub = Stub::start(|_, _| Err(pending()));
    let agent = Agent::connect(&stub.path).await.unwrap();
    agent.withdraw("approval-1").await.unwrap();
    assert_eq!(*stub.withdrawn.lock().unwrap(), ["approval-1"]);
}
