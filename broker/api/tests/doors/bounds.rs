//! Whoever sends too much, too slowly or nonsense is turned away, and nobody else notices.

use std::{path::Path, time::Duration};

use tokio::io::AsyncWriteExt as _;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use valetkey_api::{Limits, Pace};
use valetkey_core::Event;
use valetkey_wire::agent::GetTokenRequest;

use crate::{
    house::House,
    wire::{agent, channel, connect, get, hear, json, rest, say, sign},
};

const TOKEN: &str = r#"{"credential":"files","scopes":["read"]}"#;

fn hasty() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(100),
        request_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(100),
        ..Limits::default()
    }
}

async fn well(socket: &Path) {
    assert_eq!(json(socket, TOKEN).await.status, 200);
}

#[tokio::test]
async fn a_body_too_large_is_refused_in_every_form() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    let large = "x".repeat(65 * 1024);

    let answer = json(&socket, &large).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"], "request_too_large");

    // Not announced, so only found out while it is read.
    let mut stream = connect(&socket).await;
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    let chunk = format!("{head}{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let answer = say(&mut stream, chunk.as_bytes()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["code"], "request_too_large");

    let ask = GetTokenRequest {
        credential: "files".into(),
        reason: Some(large),
        ..Default::default()
    };
    let status = agent(&socket).await.get_token(ask).await.err().unwrap();
    assert_eq!(sign(&status, "valetkey-code"), "request_too_large");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);

    well(&socket).await;
    well(&other).await;
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let request = format!(
        "GET /v1/session HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "y".repeat(32 * 1024)
    );
    let mut stream = connect(&socket).await;
    // The answer may come before all of it was taken.
    drop(stream.write_all(request.as_bytes()).await);
    assert_eq!(hear(&mut stream, true).await.status, 431);
    well(&socket).await;
}

#[tokio::test]
async fn garbage_is_closed_and_a_message_that_is_none_is_refused() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let garbage: [&[u8]; 5] = [
        b"\x00\xff\xfe\x01 garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"GET / HTTP/1.1\nhost: x\n\n\x00",
        b"POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
    ];
    for bytes in garbage {
        let mut stream = connect(&socket).await;
        drop(stream.write_all(bytes).await);
        drop(stream.shutdown().await);
        let said = rest(&mut stream).await;
        assert!(!said.starts_with(b"HTTP/1.1 200"), "{bytes:?}");
    }
    let answer = json(&socket, "{\"credential\":").await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (400, Some("invalid_request"))
    );

    // A gRPC frame whose content is not protobuf.
    let mut client = tonic::client::Grpc::new(crate::wire::channel(&socket).await);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/valetkey.agent.v1.Agent/GetToken");
    let codec: tonic_prost::ProstCodec<valetkey_wire::developer::PutSecretRequest, ()> =
        tonic_prost::ProstCodec::default();
    let nonsense = valetkey_wire::developer::PutSecretRequest {
        name: "files".into(),
        // The field of this number is a list of texts: these bytes are not UTF-8.
        value: vec![0xff, 0xfe],
    };
    let status = client
        .unary(tonic::Request::new(nonsense), path, codec)
        .await;
    assert_eq!(
        sign(&status.unwrap_err(), "valetkey-code"),
        "invalid_request"
    );
    well(&socket).await;
}

#[tokio::test]
async fn whoever_says_too_little_for_too_long_is_closed() {
    let house = House::with(hasty()).await;
    let (_, socket) = house.session().await;
    let beginnings: [&[u8]; 4] = [
        b"",
        b"PRI * HT",
        b"GET /v1/session HTTP/1.1\r\nhost:",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ];
    for bytes in beginnings {
        let mut stream = connect(&socket).await;
        stream.write_all(bytes).await.unwrap();
        // Ends because the door closes it; without that the test would wait forever.
        rest(&mut stream).await;
    }
    well(&socket).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let house = House::with(hasty()).await;
    let (_, socket) = house.session().await;
    let mut stream = connect(&socket).await;
    let head = b"POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n{";
    let answer = say(&mut stream, head).await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.json()["error"], "deadline_exceeded");
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_place() {
    let house = House::with(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    let request = b"GET /v1/session HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = connect(&socket).await;
    let mut second = connect(&socket).await;
    assert_eq!(say(&mut first, request).await.status, 200);
    assert_eq!(say(&mut second, request).await.status, 200);

    let mut third = connect(&socket).await;
    third.write_all(request).await.unwrap();
    well(&other).await;
    assert!(third.try_read(&mut [0; 1]).is_err(), "it has no place yet");
    drop(first);
    assert_eq!(hear(&mut third, false).await.status, 200);
}

#[tokio::test]
async fn asking_too_often_is_refused_and_recorded_once() {
    let house = House::with(Limits {
        pace: Some(Pace {
            per_second: 1,
            burst: 3,
        }),
        ..Limits::default()
    })
    .await;
    let (session, socket) = house.session().await;
    let (_, other) = house.session().await;
    for _ in 0..3 {
        well(&socket).await;
    }
    for _ in 0..3 {
        let answer = json(&socket, TOKEN).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.json()["error"], "too_many_requests");
        assert!(answer.has("retry-after: 1"), "{}", answer.head);
    }
    let status = agent(&socket)
        .await
        .get_token(GetTokenRequest::default())
        .await;
    assert_eq!(
        sign(&status.err().unwrap(), "valetkey-code"),
        "too_many_requests"
    );
    let refused = house.recorded("token_refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].session, Some(session));
    assert!(
        matches!(&refused[0].event, Event::TokenRefused { code, .. } if code == "too_many_requests")
    );
    well(&other).await;
    house.clock.pass_seconds(1);
    well(&socket).await;
}

#[tokio::test]
async fn a_peer_of_another_user_is_closed_before_a_byte() {
    let house = House::among_foreigners().await;
    let (session, socket) = house.session().await;
    for _ in 0..20 {
        let mut stream = connect(&socket).await;
        assert_eq!(rest(&mut stream).await, b"");
    }
    // The record is written beside; nothing is there before it.
    use valetkey_core::ports::Audit as _;
    let before = house.ledger.records().len() as u64;
    if house.recorded("token_refused").is_empty() {
        let grown = house.ledger.grown_beyond(before);
        tokio::time::timeout(Duration::from_secs(4), grown)
            .await
            .unwrap();
    }
    let refused = house.recorded("token_refused");
    assert_eq!(refused.len(), 1, "one record for all of them");
    assert_eq!(refused[0].session, Some(session));
}

#[tokio::test]
async fn a_process_that_ends_gets_no_token() {
    use std::{os::unix::fs::MetadataExt as _, sync::Arc};
    use valetkey_support::fakes::callers::FakeCallers;
    let runtime = tempfile::tempdir().unwrap();
    let owner = runtime.path().metadata().unwrap().uid();
    let callers = Arc::new(FakeCallers::new(owner));
    let house = House::among(runtime, Limits::default(), Arc::clone(&callers) as _).await;
    let (_, socket) = house.session().await;
    let mut stream = connect(&socket).await;
    let head = format!(
        "POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        TOKEN.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It was identified when it connected; it asks after it has ended.
    assert_eq!(get(&socket, "/v1/session").await.status, 200);
    callers.end();
    let answer = say(&mut stream, TOKEN.as_bytes()).await;
    assert_eq!(answer.json()["error"], "caller_gone");
}

/// A message that is not yet whole is held in memory, so health and reflection take none that a name
/// would not need.
#[tokio::test]
async fn health_takes_no_message_longer_than_a_name() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let mut health = HealthClient::new(channel(&socket).await);
    let service = "x".repeat(2048);
    let status = health
        .check(HealthCheckRequest { service })
        .await
        .err()
        .unwrap();
    assert_eq!(sign(&status, "valetkey-code"), "request_too_large");
}
