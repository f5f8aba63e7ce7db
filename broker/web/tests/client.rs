//! What a server can do to the client; what it can do to TLS is tested where there is a login.
#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::time::Duration;

use valetkey_support::http::{ScriptedServer, Step, reply};
use valetkey_web::{
    Address, Failure, Outgoing, Reach, Reply, StatusCode, WebClient, bearer, header,
};
use zeroize::Zeroizing;

const LIMIT: usize = 1000;
const PATIENT: Duration = Duration::from_secs(60);
const BRIEF: Duration = Duration::from_millis(200);

async fn get(answer: Vec<Step>, within: Duration) -> Result<Reply, Failure> {
    let server = ScriptedServer::start(move |_, _| answer.clone())
        .await
        .unwrap();
    let address = Address::parse(&server.url()).unwrap();
    let client = WebClient::new(Reach::of(&address), None, LIMIT).unwrap();
    client.get(address.url(), within).await
}

#[tokio::test]
async fn every_status_is_an_answer_and_none_is_followed() {
    for status in [
        "200 OK",
        "302 Found",
        "404 Not Found",
        "503 Service Unavailable",
    ] {
        let elsewhere = ScriptedServer::start(|_, _| Vec::new()).await.unwrap();
        let headers = [("location", elsewhere.url()), ("x", "y".into())];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = get(reply(status, &headers, b"{\"a\":1}"), PATIENT)
            .await
            .unwrap();
        assert!(status.starts_with(answer.status.as_str()));
        assert_eq!(answer.body(), b"{\"a\":1}");
        assert_eq!(answer.header("x"), Some("y"));
        assert!(elsewhere.heard().is_empty());
    }
}

#[tokio::test]
async fn what_is_posted_arrives() {
    let server = ScriptedServer::start(|_, _| reply("200 OK", &[], b""))
        .await
        .unwrap();
    let address = Address::parse(&server.url()).unwrap().below(&["a", "b"]);
    let client = WebClient::new(Reach::of(&address), None, LIMIT).unwrap();
    let body = Zeroizing::new(b"body".to_vec());
    let outgoing =
        Outgoing::new("text/plain", body).with(header::AUTHORIZATION, bearer(b"canary").unwrap());
    let answer = client.post(address.url(), outgoing, PATIENT).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let heard = server.heard().remove(0);
    assert!(heard.head.starts_with("POST /a/b HTTP/1.1\r\n"));
    assert_eq!(heard.header("authorization"), Some("Bearer canary"));
    assert_eq!(heard.header("content-type"), Some("text/plain"));
    assert_eq!(heard.body, b"body");
}

#[tokio::test]
async fn an_answer_ends_at_the_limit() {
    let fits = get(reply("200 OK", &[], &[b'x'; LIMIT]), PATIENT).await;
    assert_eq!(fits.unwrap().body().len(), LIMIT);
    let longer = get(reply("200 OK", &[], &[b'x'; LIMIT + 1]), PATIENT).await;
    assert_eq!(longer.err().unwrap(), Failure::TooLong(LIMIT));
    let endless = vec![
        Step::Write(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        Step::Flood(vec![b'x'; 4096], usize::MAX),
    ];
    let endless = get(endless, PATIENT).await;
    assert_eq!(endless.err().unwrap(), Failure::TooLong(LIMIT));
}

#[tokio::test]
async fn the_deadline_is_for_the_whole_answer() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec();
    let drips = vec![
        Step::Write(head),
        Step::Drip(vec![b'x'; 900], Duration::from_millis(10)),
    ];
    let failure = get(drips, BRIEF).await.err().unwrap();
    assert_eq!(failure, Failure::Slow(BRIEF));
    assert_eq!(failure.to_string(), "no answer within 0.2 s");
}

#[tokio::test]
async fn plain_http_goes_nowhere_but_to_this_machine() {
    let elsewhere = "http://192.0.2.1/".parse().unwrap();
    let here = "http://127.0.0.1:9/".parse().unwrap();
    let secure = WebClient::new(Reach::Secure, None, LIMIT).unwrap();
    for url in [&elsewhere, &here] {
        let failure = secure.get(url, PATIENT).await.err().unwrap();
        assert_eq!(failure, Failure::Unsendable, "{url}");
    }
    let local = WebClient::new(Reach::Loopback, None, LIMIT).unwrap();
    let failure = local.get(&elsewhere, PATIENT).await.err().unwrap();
    assert_eq!(failure, Failure::Unsendable);
}

#[tokio::test]
async fn a_header_that_stands_twice_says_nothing() {
    let twice = reply("200 OK", &[("x", "1"), ("x", "2"), ("y", "\u{e4}")], b"");
    let answer = get(twice, PATIENT).await.unwrap();
    assert_eq!(answer.header("x"), None);
    assert_eq!(answer.header("y"), None);
    assert_eq!(answer.header("z"), None);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_quoted() {
    let answer = get(reply("200 OK", &[], b"{\"token\": canary}"), PATIENT).await;
    let error = answer.unwrap().json::<serde_json::Value>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "its answer (status 200) cannot be read: not the expected json at line 1, column 11"
    );
}
