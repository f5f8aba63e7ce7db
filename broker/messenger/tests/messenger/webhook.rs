//! A webhook that does as it should, and one that does not answer.

use serde_json::{Value, json};
use valetkey_core::{
    Risk, StoreError,
    approval::{Answer, Finding},
    ports::{Messenger as _, MessengerError},
};
use valetkey_messenger::{WebhookConfig, WebhookMessenger};
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::secret_store::FakeSecretStore,
    http::{ScriptedServer, Step, reply},
};

use crate::world::{BRIEF, Desk, PATIENT, Plan, SECRET, now, question, sign, signed, yes};

#[tokio::test]
async fn a_question_goes_out_signed_and_whole() {
    let desk = Desk::with(Plan::default(), |_, heard| signed(&yes(heard))).await;
    let mut asked = question(1);
    asked.asked.workspace = Some("/src/shop".into());
    let asked = asked.with(valetkey_core::Opinion {
        finding: Finding::Escalate,
        risk: Some(Risk::High),
        rationale: "not sure".into(),
        reviewer: "judge (m)".into(),
    });
    desk.carry(&asked).await.unwrap();

    let heard = desk.server.heard().remove(0);
    assert!(heard.head.starts_with("POST /hooks/valetkey HTTP/1.1\r\n"));
    let id = asked.id.to_string();
    let timestamp = now().unix_seconds().to_string();
    assert_eq!(heard.header("webhook-id"), Some(id.as_str()));
    assert_eq!(heard.header("webhook-timestamp"), Some(timestamp.as_str()));
    let signature = format!("v1,{}", sign(SECRET, &id, &timestamp, &heard.body));
    assert_eq!(heard.header("webhook-signature"), Some(signature.as_str()));

    let body: Value = serde_json::from_slice(&heard.body).unwrap();
    let nonce = body["nonce"].as_str().unwrap();
    assert_eq!(nonce.len(), 32);
    let expected = json!({
        "type": "approval.asked",
        "approval": id,
        "digest": asked.digest().as_str(),
        "nonce": nonce,
        "may_answer": true,
        "expires": now().unix_seconds() + 600,
        "session": asked.session.to_string(),
        "user": { "issuer": "https://id.example.test", "subject": "alice" },
        "display": "Alice",
        "agent": "coder",
        "credential": "orders",
        "scopes": ["orders:read"],
        "audience": "https://orders.example.test",
        "lifetime_seconds": 300,
        "tier": "human",
        "policies": ["ask-a-person"],
        "reviewer": {
            "name": "judge (m)", "finding": "escalate", "risk": "high", "rationale": "not sure",
        },
        "untrusted": { "reason": "for task 1", "workspace": "/src/shop" },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_answer_comes_back() {
    for (word, seconds, answer) in [
        ("once", None, Answer::Once),
        ("for", Some(1800), Answer::For(1800)),
        ("session", None, Answer::Session),
        ("no", None, Answer::No),
        ("no_and_end", None, Answer::NoAndEnd),
    ] {
        let desk = Desk::with(Plan::default(), move |_, heard| {
            let mut said = yes(heard);
            said["answer"] = word.into();
            if let Some(seconds) = seconds {
                said["seconds"] = seconds.into();
            }
            signed(&said)
        })
        .await;
        let asked = question(1);
        let carried = desk.carry(&asked).await.unwrap().unwrap();
        assert_eq!(carried.answer, answer);
        assert_eq!(carried.digest, asked.digest().as_str());
        assert_eq!(carried.by.id.issuer, "https://id.example.test");
        assert_eq!(carried.by.id.subject, "bob");
        assert_eq!(carried.by.display, "Bob");
        assert_eq!(carried.by.groups, ["leads".to_owned()].into());
    }
}

/// Whose provider it is, the core compares. A name to show is cleaned, and need not be there.
#[tokio::test]
async fn whoever_answered_is_named_as_the_server_says() {
    let desk = Desk::with(Plan::default(), |n, heard| {
        let mut said = yes(heard);
        said["by"] = match n {
            0 => json!({ "issuer": "https://elsewhere.example.test", "subject": "mallory" }),
            _ => json!({ "issuer": "i", "subject": "s", "display": "\u{1b}[2JBob" }),
        };
        let id = format!("msg-{n}");
        crate::world::signed_as(&id, now().unix_seconds(), said.to_string().as_bytes())
    })
    .await;
    let by = desk.carry(&question(1)).await.unwrap().unwrap().by;
    assert_eq!(by.id.issuer, "https://elsewhere.example.test");
    assert_eq!(by.display, "mallory");
    assert!(by.groups.is_empty());
    let by = desk.carry(&question(1)).await.unwrap().unwrap().by;
    assert_eq!(by.display, "\u{fffd}[2JBob");
}

/// The same question, with the same id and nonce, as often as the server asks for.
#[tokio::test]
async fn it_asks_again_until_there_is_an_answer() {
    let desk = Desk::with(Plan::default(), |n, heard| {
        let after = ["10", "0", "86400", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"].get(n);
        match after {
            Some(after) => reply("202 Accepted", &[("retry-after", after)], b""),
            None if n == 5 => reply("202 Accepted", &[], b"\"approve\""),
            None => {
                let timestamp = heard.header("webhook-timestamp").unwrap();
                let body = yes(heard).to_string();
                crate::world::signed_as("m", timestamp.parse().unwrap(), body.as_bytes())
            }
        }
    })
    .await;
    let carried = desk.carry(&question(1)).await.unwrap().unwrap();
    assert_eq!(carried.answer, Answer::Once);
    assert_eq!(*desk.waited.lock().unwrap(), [10, 1, 60, 5, 5, 5]);
    let heard = desk.server.heard();
    assert_eq!(heard.len(), 7);
    for again in &heard {
        assert_eq!(again.body, heard[0].body);
        assert_eq!(again.header("webhook-id"), heard[0].header("webhook-id"));
    }
}

#[tokio::test]
async fn it_stops_asking_when_the_question_is_over() {
    let desk = Desk::with(Plan::default(), |_, _| {
        reply("202 Accepted", &[("retry-after", "60")], b"")
    })
    .await;
    let carried = desk.carry(&question(1)).await.unwrap();
    assert_eq!(carried, None);
    let waited: u64 = desk.waited.lock().unwrap().iter().sum();
    assert!((600..=601).contains(&waited), "{waited}");
    assert_eq!(desk.server.heard().len(), 10);
    assert_eq!(desk.carry(&question(1)).await.unwrap(), None);
    assert_eq!(desk.server.heard().len(), 10, "nobody is asked any more");
}

/// A nonce is of one question and of one run.
#[tokio::test]
async fn nonces_differ() {
    let server = ScriptedServer::start(|_, _| reply("200 OK", &[], b""))
        .await
        .unwrap();
    let desk = Desk::at(
        Plan {
            may_answer: false,
            ..Plan::default()
        },
        server,
    )
    .await;
    let mut other = question(1);
    other.asked.reason = None;
    for asked in [question(1), question(2), other, question(1)] {
        assert_eq!(desk.carry(&asked).await.unwrap(), None);
    }
    let heard = desk.server.heard();
    let body = |n: usize| serde_json::from_slice::<Value>(&heard[n].body).unwrap();
    let nonces = [0, 1, 2, 3].map(|n| body(n)["nonce"].clone());
    assert!(nonces[0] != nonces[1] && nonces[0] != nonces[2] && nonces[1] != nonces[2]);
    assert_eq!(nonces[0], nonces[3]);
}

/// It tells, and whatever comes back is not read.
#[tokio::test]
async fn one_that_may_not_answer_only_tells() {
    for status in ["200 OK", "202 Accepted"] {
        let plan = Plan {
            may_answer: false,
            ..Plan::default()
        };
        let desk = Desk::with(plan, move |_, heard| {
            let mut answer = signed(&yes(heard));
            if let Some(Step::Write(bytes)) = answer.first_mut() {
                let text = String::from_utf8(bytes.clone()).unwrap();
                *bytes = text.replace("200 OK", status).into_bytes();
            }
            answer
        })
        .await;
        assert_eq!(desk.carry(&question(1)).await.unwrap(), None);
        let heard = desk.server.heard();
        assert_eq!(heard.len(), 1);
        let body: Value = serde_json::from_slice(&heard[0].body).unwrap();
        assert_eq!(body["may_answer"], false);
    }
}

#[tokio::test]
async fn a_server_that_fails_is_told_without_its_words() {
    let flood = |head: &str| {
        vec![
            Step::Write(head.into()),
            Step::Flood(vec![b' '; 65_536], 160),
        ]
    };
    let elsewhere = ScriptedServer::start(|_, _| Vec::new()).await.unwrap();
    let target = elsewhere.url();
    let cases = [
        (
            "status 302",
            reply("302 Found", &[("location", &target)], b""),
        ),
        ("status 201", reply("201 Created", &[], b"canary")),
        ("status 204", reply("204 No Content", &[], b"")),
        ("status 401", reply("401 Unauthorized", &[], b"canary")),
        ("status 410", reply("410 Gone", &[], b"canary")),
        (
            "status 500",
            reply("500 Internal Server Error", &[], b"canary"),
        ),
        ("longer than 65536 bytes", flood("HTTP/1.1 200 OK\r\n\r\n")),
        ("the connection broke", vec![]),
        (
            "the connection broke",
            vec![Step::Write(b"canary\r\n\r\n".to_vec())],
        ),
    ];
    for (words, answer) in cases {
        let desk = Desk::with(Plan::default(), move |_, _| answer.clone()).await;
        let error = desk.carry(&question(1)).await.unwrap_err();
        assert!(
            matches!(error, MessengerError::Failed(_)),
            "{words}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(words) && !text.contains("canary"),
            "{words}: {text}"
        );
    }
    assert!(elsewhere.heard().is_empty());
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec();
    let drips = [Step::Write(head), Step::Drip(vec![b' '; 1000], BRIEF / 10)];
    for answer in [vec![Step::UntilGone], drips.to_vec()] {
        let plan = Plan {
            deadline: BRIEF,
            ..Plan::default()
        };
        let desk = Desk::with(plan, move |_, _| answer.clone()).await;
        let error = desk.carry(&question(1)).await.unwrap_err();
        assert!(error.to_string().contains("no answer within"), "{error}");
        desk.server.connections_over(1).await;
    }
}

/// Nothing is sent where it cannot be signed, and nothing of the secret is said.
#[tokio::test]
async fn the_secret_is_nowhere() {
    let heard_nothing = |desk: &Desk| assert!(desk.server.heard().is_empty());
    for secret in ["canary", "whsec_canary", "whsec_Y2FuYXJ5"] {
        let plan = Plan {
            secret: Some(secret),
            ..Plan::default()
        };
        let desk = Desk::with(plan, |_, heard| signed(&yes(heard))).await;
        let error = desk.carry(&question(1)).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("store it again with `valetkey secret add hook`"),
            "{text}"
        );
        assert!(
            !text.contains("canary") && !text.contains("Y2FuYXJ5"),
            "{text}"
        );
        heard_nothing(&desk);
    }
    let plan = Plan {
        secret: None,
        ..Plan::default()
    };
    let desk = Desk::with(plan, |_, heard| signed(&yes(heard))).await;
    let error = desk.carry(&question(1)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("store it with `valetkey secret add hook`"),
        "{error}"
    );
    desk.secrets.fail_with(StoreError::Locked);
    let error = desk.carry(&question(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "the keyring is locked");
    heard_nothing(&desk);

    let desk = Desk::with(Plan::default(), |_, heard| signed(&yes(heard))).await;
    desk.carry(&question(1)).await.unwrap();
    let heard = desk.server.heard().remove(0);
    let all = format!("{}{}", heard.head, String::from_utf8_lossy(&heard.body));
    assert!(!all.contains(SECRET.trim_start_matches("whsec_")), "{all}");
}

#[test]
fn an_address_that_leaks_is_refused() {
    for url in [
        "http://hook.example.test/",
        "https://u:canary@hook.example.test",
        "hook",
    ] {
        let config = WebhookConfig {
            url: url.into(),
            secret: valetkey_core::SecretName::parse("hook").unwrap(),
            deadline: PATIENT,
            may_answer: true,
            extra_ca: None,
        };
        let made = WebhookMessenger::new(
            config,
            std::sync::Arc::new(FakeSecretStore::default()),
            std::sync::Arc::new(MovableClock::default()),
            &CountingEntropy::default(),
        );
        let error = made.err().unwrap().to_string();
        assert!(
            error.starts_with("`approvals.webhook.url` cannot be used"),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn it_has_a_name() {
    let desk = Desk::with(Plan::default(), |_, _| Vec::new()).await;
    assert_eq!(desk.messenger.name(), "webhook");
}
