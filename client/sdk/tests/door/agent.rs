//! Tokens, grants and sessions, and connections that break.

use std::{fs, future, sync::Arc, time::Duration};

use tokio::{net::UnixListener, time::timeout};
use tonic::{Status, metadata::MetadataMap};
use valetkey_sdk::{Agent, Code, TokenRequest, wire::metadata};

use crate::stub::{Held, PATIENCE, Stub, token};

fn refusal(code: Code) -> Status {
    let mut map = MetadataMap::new();
    map.insert(metadata::CODE, code.id().parse().unwrap());
    map.insert(metadata::NEXT_STEP, "do that".parse().unwrap());
    map.insert(metadata::REQUEST, "request-7".parse().unwrap());
    Status::with_metadata(tonic::Code::PermissionDenied, "not for you", map)
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let stub = Stub::start(|request, number| {
        assert_eq!(request.credential, "deploy");
        assert_eq!(request.scopes, ["deploy:read"]);
        assert_eq!(request.audience.as_deref(), Some("https://api.test"));
        assert_eq!(request.lifetime_seconds, Some(600));
        assert_eq!(request.min_validity_seconds, None);
        assert_eq!(request.reason.as_deref(), Some("to look"));
        Ok(token(number, 600))
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy")
        .scope("deploy:read")
        .audience("https://api.test")
        .lifetime(Duration::from_secs(600))
        .reason("to look");
    let first = agent.token(&request).await.unwrap();
    assert_eq!(first.value().reveal(), "token-0");
    assert_eq!(first.lease, "lease-0");
    assert_eq!(first.scopes, ["deploy:read"]);
    let second = agent.token(&request).await.unwrap();
    assert_eq!(second.value().reveal(), "token-0");
    assert_eq!(stub.asked(), 1);
    let past = agent.new_token(&request).await.unwrap();
    assert_eq!(past.value().reveal(), "token-1");
}

#[tokio::test]
async fn the_broker_is_told_the_deadline_and_the_minimum() {
    let stub = Stub::start(|request, number| {
        assert_eq!(request.min_validity_seconds, Some(90));
        Ok(token(number, 600))
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy").min_validity(Duration::from_secs(90));
    agent.token(&request).await.unwrap();
    assert_eq!(
        stub.deadline_told.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
}

#[tokio::test]
async fn a_hundred_parallel_callers_are_one_request() {
    let stub = Stub::start_held(|_, number| Ok(token(number, 600)));
    let agent = Arc::new(Agent::connect(&stub.path).await.unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let agent = Arc::clone(&agent);
        callers.spawn(async move {
            let token = agent.token(&TokenRequest::new("deploy")).await.unwrap();
            token.value().reveal().to_owned()
        });
    }
    stub.open.notify_one();
    let tokens = timeout(PATIENCE, callers.join_all()).await.unwrap();
    assert!(tokens.iter().all(|token| token == "token-0"));
    assert_eq!(stub.asked(), 1);
}

#[tokio::test]
async fn a_refusal_is_typed() {
    let stub = Stub::start(|_, _| Err(refusal(Code::Denied)));
    let agent = Agent::connect(&stub.path).await.unwrap();
    let error = agent
        .token(&TokenRequest::new("deploy"))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, Code::Denied);
    assert_eq!(error.message, "not for you");
    assert_eq!(error.next_step, "do that");
    assert_eq!(error.request.as_deref(), Some("request-7"));
}

#[tokio::test]
async fn a_revocation_drops_what_is_kept_though_nobody_asks() {
    let stub = Stub::start(|_, number| match number {
        0 => Ok(token(number, 600)),
        _ => Err(refusal(Code::SessionRevoked)),
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy");
    agent.token(&request).await.unwrap();
    stub.state.send("revoked").unwrap();
    let error = timeout(PATIENCE, async {
        loop {
            if let Err(error) = agent.token(&request).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(error.code, Code::SessionRevoked);
}

#[tokio::test]
async fn a_refusal_of_the_session_drops_every_token() {
    let stub = Stub::start(|request, number| match request.credential.as_str() {
        "other" => Err(refusal(Code::SessionSuspended)),
        _ => Ok(token(number, 600)),
    });
    let agent = Agent::connect(&stub.path).await.unwrap();
    let request = TokenRequest::new("deploy");
    agent.token(&request).await.unwrap();
    assert!(agent.token(&TokenRequest::new("other")).await.is_err());
    let again = agent.token(&request).await.unwrap();
    assert_eq!(again.value().reveal(), "token-2");
}

#[tokio::test]
async fn grants_session_and_changes_are_told() {
    let stub = Stub::start(|_, number| Ok(token(number, 600)));
    let agent = Agent::connect(&stub.path).await.unwrap();
    let grants = agent.grants().await.unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].credential, "deploy");
    assert_eq!(agent.session().await.unwrap().state, "active");
    let mut changes = agent.watch().await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap().state, "active");
    stub.state.send("ended").unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap().state, "ended");
}

#[tokio::test]
async fn a_restarted_broker_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("session.sock");
    let first = Stub::start_at(path.clone(), Arc::new(|_, _| Ok(token(1, 600))), Held::None);
    let agent = Agent::connect(&path).await.unwrap();
    let request = TokenRequest::new("deploy");
    agent.new_token(&request).await.unwrap();
    drop(first);
    fs::remove_file(&path).unwrap();
    let _second = Stub::start_at(path, Arc::new(|_, _| Ok(token(2, 600))), Held::None);
    let token = timeout(PATIENCE, async {
        loop {
            // The first call may meet the connection that is just breaking.
            match agent.new_token(&request).await {
                Ok(token) => return token,
                Err(error) => assert_eq!(error.code, Code::BrokerUnreachable),
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(token.value().reveal(), "token-2");
}

#[tokio::test]
async fn nobody_there_is_told_by_kind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let error = Agent::connect(&path).await.err().unwrap();
    assert_eq!(error.code, Code::BrokerUnreachable);
    assert!(
        error.message.starts_with("there is no socket at `"),
        "{error}"
    );
    drop(UnixListener::bind(&path).unwrap());
    let error = Agent::connect(&path).await.err().unwrap();
    assert_eq!(error.code, Code::BrokerUnreachable);
    assert!(error.message.starts_with("nobody listens at `"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_unreachable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let cutter = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let outcome = match Agent::connect(&path).await {
        Ok(agent) => agent
            .new_token(&TokenRequest::new("deploy"))
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    assert_eq!(outcome.unwrap_err().code, Code::BrokerUnreachable);
    cutter.abort();
}

#[tokio::test]
async fn a_broker_that_says_nothing_meets_the_deadline() {
    let stub = Stub::start_held(|_, number| Ok(token(number, 600)));
    let agent = Agent::connect(&stub.path)
        .await
        .unwrap()
        .with_deadline(Duration::from_millis(50));
    let error = agent
        .new_token(&TokenRequest::new("deploy"))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_listener_that_speaks_no_http_meets_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let silent = tokio::spawn(async move {
        let held = listener.accept().await.unwrap();
        future::pending::<()>().await;
        drop(held);
    });
    let agent = Agent::connect(&path)
        .await
        .unwrap()
        .with_deadline(Duration::from_millis(50));
    let error = agent.session().await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    silent.abort();
}
