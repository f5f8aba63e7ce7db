//! A server that behaves badly in every way.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use serde_json::{Value, json};
use valetkey_core::{
    Risk, StoreError,
    approval::Finding,
    ports::{ReviewError, Reviewer as _},
};
use valetkey_reviewer::{ChatConfig, ChatReviewer};
use valetkey_support::{
    fakes::secret_store::FakeSecretStore,
    http::{ScriptedServer, Step, json as answer_with, reply},
};

use crate::world::{BRIEF, Chat, KEY, PATIENT, case, completion, saying, says, verdict};

const GOOD: &str = r#"{"verdict":"approve","risk":"low","rationale":"routine"}"#;

#[tokio::test]
async fn it_is_asked_as_the_interface_says() {
    let chat = Chat::with(PATIENT, |_, _| says(GOOD)).await;
    let opinion = chat.review("push a fix").await.unwrap();
    assert_eq!(opinion.finding, Finding::Approve);
    assert_eq!(opinion.risk, Some(Risk::Low));
    assert_eq!(opinion.rationale, "routine");
    assert_eq!(opinion.reviewer, "judge (judge-1)");

    let heard = chat.server.heard().remove(0);
    assert!(
        heard
            .head
            .starts_with("POST /v1/chat/completions HTTP/1.1\r\n")
    );
    let key = format!("Bearer {KEY}");
    assert_eq!(heard.header("authorization"), Some(key.as_str()));
    assert_eq!(heard.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&heard.body).unwrap();
    assert_eq!(body["model"], "judge-model");
    assert_eq!(body["temperature"], 0);
    assert_eq!(body["stream"], false);
    let format = &body["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["strict"], true);
    let schema = &format["json_schema"]["schema"];
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["verdict", "risk", "rationale"]));
    assert_eq!(body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1]["role"], "user");
    assert!(!String::from_utf8_lossy(&heard.body).contains(KEY));
}

#[tokio::test]
async fn a_server_of_this_machine_may_need_no_key() {
    let server = ScriptedServer::start(|_, _| says(GOOD)).await.unwrap();
    let config = ChatConfig {
        name: "local".into(),
        url: server.url(),
        model: "m".into(),
        key: None,
        deadline: PATIENT,
        extra_ca: None,
    };
    let reviewer = ChatReviewer::new(config, Arc::new(FakeSecretStore::default())).unwrap();
    let question = saying("x");
    let opinion = reviewer.review(&case(&question, &[])).await.unwrap();
    assert_eq!(opinion.finding, Finding::Approve);
    assert_eq!(server.heard()[0].header("authorization"), None);
}

#[test]
fn an_address_that_leaks_is_refused() {
    for url in [
        "http://judge.example.test/v1",
        "https://u:canary@judge.example.test",
        "judge",
    ] {
        let config = ChatConfig {
            name: "judge".into(),
            url: url.into(),
            model: "m".into(),
            key: None,
            deadline: PATIENT,
            extra_ca: None,
        };
        let made = ChatReviewer::new(config, Arc::new(FakeSecretStore::default()));
        let error = made.err().unwrap().to_string();
        assert!(
            error.starts_with("`reviewer.url` cannot be used"),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
}

/// Everything that is an HTTP answer and no opinion.
#[tokio::test]
async fn what_is_no_opinion_does_not_count() {
    let change = |path: &str, value: Value| {
        let mut body = completion(GOOD);
        *body.pointer_mut(path).unwrap() = value;
        answer_with(body.to_string().as_bytes())
    };
    let choice = completion(GOOD)["choices"][0].clone();
    let with_tools = json!({
        "role": "assistant", "content": GOOD,
        "tool_calls": [{ "id": "1", "type": "function", "function": { "name": "approve", "arguments": "{}" } }],
    });
    let twice = completion(GOOD)
        .to_string()
        .replace(r#""content":"#, r#""content":"deny","content":"#);
    let html = b"<html><body><h1>approve</h1></body></html>";
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage";
    let as_html = [("content-type", "text/html")];
    let as_gzip = [("content-encoding", "gzip")];
    let cases = [
        ("html", reply("200 OK", &as_html, html)),
        ("gzip garbage", reply("200 OK", &as_gzip, gzip)),
        ("nothing", answer_with(b"")),
        ("null", answer_with(b"null")),
        ("a bare verdict", answer_with(GOOD.as_bytes())),
        (
            "an array of completions",
            answer_with(json!([completion(GOOD)]).to_string().as_bytes()),
        ),
        (
            "two completions",
            answer_with(format!("{0}{0}", completion(GOOD)).as_bytes()),
        ),
        ("no choice", change("/choices", json!([]))),
        ("many choices", change("/choices", json!([choice, choice]))),
        (
            "a choice that is a list",
            change("/choices/0", json!([0, choice])),
        ),
        (
            "a message that is a list",
            change("/choices/0/message", json!([GOOD, null, null])),
        ),
        (
            "content of parts",
            change(
                "/choices/0/message/content",
                json!([{ "type": "text", "text": GOOD }]),
            ),
        ),
        (
            "content that is an object",
            change(
                "/choices/0/message/content",
                serde_json::from_str(GOOD).unwrap(),
            ),
        ),
        (
            "no content",
            change("/choices/0/message/content", Value::Null),
        ),
        ("content twice", answer_with(twice.as_bytes())),
        (
            "a refusal beside it",
            change("/choices/0/message/refusal", "I will not".into()),
        ),
        (
            "a tool call beside it",
            change("/choices/0/message", with_tools),
        ),
        (
            "cut off",
            change("/choices/0/finish_reason", "length".into()),
        ),
        (
            "filtered",
            change("/choices/0/finish_reason", "content_filter".into()),
        ),
        ("a nested string", says(&Value::from(GOOD).to_string())),
        ("two verdicts", says(&format!("{GOOD}{GOOD}"))),
        ("a fence", says(&format!("```json\n{GOOD}\n```"))),
        ("a preamble", says(&format!("Sure: {GOOD}"))),
        (
            "thinking aloud",
            says(&format!("<think>approve</think>{GOOD}")),
        ),
        ("approve for all", says("approve")),
        ("no risk", says(r#"{"verdict":"approve","rationale":"x"}"#)),
        (
            "one field more",
            says(r#"{"verdict":"approve","risk":"low","rationale":"x","y":1}"#),
        ),
        (
            "a stream",
            reply(
                "200 OK",
                &[("content-type", "text/event-stream")],
                format!("data: {}\n\ndata: [DONE]\n\n", completion(GOOD)).as_bytes(),
            ),
        ),
        (
            "a long verdict",
            says(&GOOD.replace("routine", &"x".repeat(70_000))),
        ),
    ];
    for (name, answer) in cases {
        let chat = Chat::with(PATIENT, move |_, _| answer.clone()).await;
        let opinion = chat.review("push a fix").await;
        let nonsense = matches!(opinion, Err(ReviewError::Nonsense(_)));
        assert!(nonsense, "{name}: {opinion:?}");
    }
}

/// A good answer with any other status is none.
#[tokio::test]
async fn only_status_200_counts() {
    for status in [
        "201 Created",
        "202 Accepted",
        "204 No Content",
        "206 Partial Content",
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let elsewhere = ScriptedServer::start(|_, _| says(GOOD)).await.unwrap();
        let target = elsewhere.url();
        let chat = Chat::with(PATIENT, move |_, _| {
            let body = completion(GOOD).to_string();
            reply(status, &[("location", &target)], body.as_bytes())
        })
        .await;
        let error = chat.review("x").await.unwrap_err();
        assert!(
            matches!(error, ReviewError::Unavailable(_)),
            "{status}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains(status.get(..3).unwrap()), "{text}");
        assert_eq!(
            text.contains("check the key `judge-key`"),
            matches!(status.get(..3), Some("401" | "403"))
        );
        assert!(!text.contains(KEY));
        assert_eq!(elsewhere.heard().len(), 0, "{status} was followed");
        assert_eq!(chat.server.heard().len(), 1, "{status} was tried again");
    }
}

#[tokio::test]
async fn a_server_that_is_slow_is_left() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n".to_vec();
    let body = completion(GOOD).to_string().into_bytes();
    let cases = [
        ("before its head", vec![Step::UntilGone]),
        (
            "within its head",
            vec![Step::Write(b"HTTP/1.1 200".to_vec()), Step::UntilGone],
        ),
        (
            "after its head",
            vec![Step::Write(head.clone()), Step::UntilGone],
        ),
        (
            "lies about its length",
            vec![Step::Write([head.clone(), body].concat()), Step::UntilGone],
        ),
        (
            "drips",
            vec![
                Step::Write(head),
                Step::Drip(vec![b' '; 10_000], Duration::from_millis(20)),
            ],
        ),
        (
            "goes on forever with 100",
            vec![
                Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), 3),
                Step::UntilGone,
            ],
        ),
    ];
    for (name, answer) in cases {
        let chat = Chat::with(BRIEF, move |_, _| answer.clone()).await;
        let error = chat.review("x").await.unwrap_err();
        assert!(matches!(error, ReviewError::Slow(_)), "{name}: {error}");
        chat.server.connections_over(1).await;
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_or_floods_is_no_answer() {
    let good = completion(GOOD).to_string();
    let early = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{good}",
        good.len() + 1
    );
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 65_536], b"\r\n".to_vec()].concat();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let cases = [
        ("closes at once", vec![]),
        (
            "speaks another protocol",
            vec![Step::Write(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())],
        ),
        (
            "closes one byte early",
            vec![Step::Write(early.into_bytes())],
        ),
        (
            "10 MB, chunked",
            vec![Step::Write(chunked), Step::Flood(chunk, 160)],
        ),
        (
            "10 MB, to the end",
            vec![
                Step::Write(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
                Step::Flood(vec![b' '; 65_536], 160),
            ],
        ),
        (
            "10 MB, as it says",
            vec![
                Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n".to_vec()),
                Step::Flood(vec![b' '; 65_536], 160),
            ],
        ),
        (
            "10 MB of head",
            vec![
                Step::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
                Step::Flood(vec![b'x'; 65_536], 160),
            ],
        ),
        (
            "two lengths",
            vec![Step::Write(
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: {}\r\n\r\n{good}",
                    good.len()
                )
                .into_bytes(),
            )],
        ),
    ];
    for (name, answer) in cases {
        let chat = Chat::with(PATIENT, move |_, _| answer.clone()).await;
        let error = chat.review("x").await.unwrap_err();
        let slow = matches!(error, ReviewError::Slow(_));
        assert!(!slow, "{name}: {error}");
        chat.server.connections_over(1).await;
    }
}

#[tokio::test]
async fn the_keyring_says_why_there_is_no_key() {
    let chat = Chat::with(PATIENT, |_, _| says(GOOD)).await;
    for (failure, words) in [
        (StoreError::Locked, "the keyring is locked"),
        (StoreError::Slow(3), "did not answer within 3 s"),
        (
            StoreError::NoEntry,
            "store it with `valetkey secret add judge-key`",
        ),
    ] {
        chat.secrets.fail_with(failure);
        let error = chat.review("x").await.unwrap_err();
        assert!(matches!(error, ReviewError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(chat.server.heard().len(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let chat = Chat::with(PATIENT, |_, _| says(GOOD)).await;
    let Chat {
        server, reviewer, ..
    } = chat;
    let gone = server.url();
    drop(server);
    let question = saying("x");
    // Its listener ends with its task, at some moment after the server was dropped.
    while tokio::net::TcpStream::connect(gone.trim_start_matches("http://"))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    let error = reviewer.review(&case(&question, &[])).await.unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
}

/// Who drops the question closes the connection.
#[tokio::test]
async fn a_dropped_question_hangs_up() {
    let chat = Chat::with(PATIENT, |_, _| vec![Step::UntilGone]).await;
    let question = saying("x");
    let case = case(&question, &[]);
    {
        let mut asked = pin!(chat.reviewer.review(&case));
        while chat.server.heard().is_empty() {
            poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending())).await;
            tokio::task::yield_now().await;
        }
    }
    chat.server.connections_over(1).await;
}

#[tokio::test]
async fn the_rationale_is_the_reviewers_and_clean() {
    let painted = verdict("deny", "\u{1b}[2Jno\u{202e}");
    let chat = Chat::with(PATIENT, move |_, _| says(&painted)).await;
    let opinion = chat.review("x").await.unwrap();
    assert_eq!(opinion.rationale, "\u{fffd}[2Jno\u{fffd}");
}
