//! Answers that are not to be believed.

use serde_json::{Value, json};
use valetkey_core::{Approval, ports::MessengerError};
use valetkey_support::http::{Heard, Step};

use crate::world::{Desk, Plan, SECRET, now, question, sign, signed, signed_as, with_headers, yes};

/// Gives the header for a time and a body.
type Signer = fn(&str, &[u8]) -> String;
/// Makes something else of a good answer.
type Change = fn(&mut Value);

const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn forged(name: &str, answer: impl Fn(&Heard) -> Vec<Step> + Send + Sync + 'static) {
    let desk = Desk::with(Plan::default(), move |_, heard| answer(heard)).await;
    assert_forged(name, &desk, &question(1)).await;
}

async fn assert_forged(name: &str, desk: &Desk, asked: &Approval) {
    let error = desk.carry(asked).await.unwrap_err();
    assert!(
        matches!(error, MessengerError::Forged(_)),
        "{name}: {error}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with("the answer is not to be believed: "),
        "{text}"
    );
    assert!(!text.contains("canary"), "{name}: {text}");
}

#[tokio::test]
async fn a_wrong_signature() {
    let time = now().unix_seconds();
    let at = time.to_string();
    // What the signature is over, and what it is called.
    let signatures: [(&str, Signer); 9] = [
        ("none", |_, _| String::new()),
        ("no version", |at, body| sign(SECRET, "m", at, body)),
        ("another version", |at, body| {
            format!("v1a,{}", sign(SECRET, "m", at, body))
        }),
        ("another secret", |at, body| {
            format!("v1,{}", sign(OTHER, "m", at, body))
        }),
        ("another id", |at, body| {
            format!("v1,{}", sign(SECRET, "n", at, body))
        }),
        ("another time", |_, body| {
            format!("v1,{}", sign(SECRET, "m", "1", body))
        }),
        ("another body", |at, _| {
            format!("v1,{}", sign(SECRET, "m", at, b"{}"))
        }),
        ("cut off", |at, body| {
            format!("v1,{}", sign(SECRET, "m", at, body)).split_off(5)
        }),
        ("no base64", |_, _| "v1,canary!".to_owned()),
    ];
    for (name, signature) in signatures {
        let at = at.clone();
        forged(name, move |heard| {
            let body = yes(heard).to_string();
            with_headers("m", &at, &signature(&at, body.as_bytes()), body.as_bytes())
        })
        .await;
    }
    // While a secret changes, one of several is enough; of too many, none is looked for.
    for (count, good) in [(7, true), (8, false)] {
        let at = at.clone();
        let desk = Desk::with(Plan::default(), move |_, heard| {
            let body = yes(heard).to_string();
            let right = format!("v1,{}", sign(SECRET, "m", &at, body.as_bytes()));
            let all = format!("{}{right}", "v1,AAAA ".repeat(count));
            with_headers("m", &at, &all, body.as_bytes())
        })
        .await;
        assert_eq!(desk.carry(&question(1)).await.is_ok(), good, "{count}");
    }
}

#[tokio::test]
async fn headers_that_are_missing_or_are_there_twice() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        for twice in [false, true] {
            forged(name, move |heard| {
                let mut answer = signed(&yes(heard));
                if let Some(Step::Write(bytes)) = answer.first_mut() {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
                    let line = format!("{line}\r\n");
                    let instead = if twice { line.repeat(2) } else { String::new() };
                    *bytes = text.replacen(&line, &instead, 1).into_bytes();
                }
                answer
            })
            .await;
        }
    }
    forged("a long id", |heard| {
        let body = yes(heard).to_string();
        signed_as(&"x".repeat(257), now().unix_seconds(), body.as_bytes())
    })
    .await;
}

#[tokio::test]
async fn a_time_that_is_not_now() {
    for (name, shift, good) in [
        ("now", 0, true),
        ("five minutes ago", -300, true),
        ("longer ago", -301, false),
        ("in five minutes", 300, true),
        ("later", 301, false),
    ] {
        let time = now().unix_seconds().checked_add_signed(shift).unwrap();
        let desk = Desk::with(Plan::default(), move |_, heard| {
            signed_as("m", time, yes(heard).to_string().as_bytes())
        })
        .await;
        if good {
            assert!(desk.carry(&question(1)).await.unwrap().is_some(), "{name}");
        } else {
            assert_forged(name, &desk, &question(1)).await;
        }
    }
    for time in ["", "soon", "-1", "1e9", "99999999999999999999999"] {
        forged(time, move |heard| {
            let body = yes(heard).to_string();
            let signature = format!("v1,{}", sign(SECRET, "m", time, body.as_bytes()));
            with_headers("m", time, &signature, body.as_bytes())
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_signed_and_says_something_else() {
    let changes: [(&str, Change); 20] = [
        ("another type", |said| {
            said["type"] = "approval.asked".into()
        }),
        ("another approval", |said| {
            said["approval"] = question(2).id.to_string().into()
        }),
        ("another digest", |said| {
            said["digest"] = question(2).digest().as_str().into()
        }),
        ("no digest", |said| said["digest"] = Value::Null),
        ("another nonce", |said| {
            said["nonce"] = "00000000000000000000000000000000".into()
        }),
        ("no nonce", |said| said["nonce"] = "".into()),
        ("no answer", |said| said["answer"] = Value::Null),
        ("another word", |said| said["answer"] = "yes".into()),
        ("a list of words", |said| said["answer"] = json!(["once"])),
        ("for no time", |said| said["answer"] = "for".into()),
        ("once for some time", |said| said["seconds"] = 60.into()),
        ("for less than no time", |said| {
            said["answer"] = "for".into();
            said["seconds"] = (-1).into();
        }),
        ("nobody", |said| said["by"] = Value::Null),
        ("no subject", |said| said["by"]["subject"] = "".into()),
        ("no issuer", |said| said["by"]["issuer"] = Value::Null),
        ("a painted subject", |said| {
            said["by"]["subject"] = "bob\u{202e}canary".into()
        }),
        ("a painted group", |said| {
            said["by"]["groups"] = json!(["leads\n"])
        }),
        ("a long subject", |said| {
            said["by"]["subject"] = "x".repeat(513).into()
        }),
        ("too many groups", |said| {
            said["by"]["groups"] = (0..501).map(|n| n.to_string()).collect();
        }),
        ("one field more", |said| said["canary"] = true.into()),
    ];
    for (name, change) in changes {
        forged(name, move |heard| {
            let mut said = yes(heard);
            change(&mut said);
            signed(&said)
        })
        .await;
    }
    for body in ["", "null", "canary", "[]", "{}", "\"once\""] {
        forged(body, move |_| {
            signed_as("m", now().unix_seconds(), body.as_bytes())
        })
        .await;
    }
    forged("two answers", |heard| {
        let body = yes(heard).to_string().repeat(2);
        signed_as("m", now().unix_seconds(), body.as_bytes())
    })
    .await;
    forged("a field twice", |heard| {
        let body = yes(heard).to_string();
        let body = body.replace("\"answer\":", "\"answer\":\"no\",\"answer\":");
        signed_as("m", now().unix_seconds(), body.as_bytes())
    })
    .await;
}

/// Our own question, signed by ourselves, is no answer.
#[tokio::test]
async fn an_echo() {
    forged("an echo", |heard| {
        let header = |name: &str| heard.header(name).unwrap();
        with_headers(
            header("webhook-id"),
            header("webhook-timestamp"),
            header("webhook-signature"),
            &heard.body,
        )
    })
    .await;
}

/// An answer counts for its question, once, and in one run.
#[tokio::test]
async fn a_replay() {
    let first = std::sync::Arc::new(std::sync::Mutex::new(None));
    let desk = Desk::with(Plan::default(), {
        let first = std::sync::Arc::clone(&first);
        move |_, heard| {
            let mut first = first.lock().unwrap();
            first.get_or_insert_with(|| signed(&yes(heard))).clone()
        }
    })
    .await;
    assert!(desk.carry(&question(1)).await.unwrap().is_some());
    assert_forged("the same question again", &desk, &question(1)).await;
    assert_forged("another question", &desk, &question(2)).await;

    let recorded = first.lock().unwrap().clone().unwrap();
    // Another run of the broker draws another key for its nonces.
    let after = Desk::with(Plan::default(), move |_, _| recorded.clone()).await;
    let entropy = valetkey_support::CountingEntropy::default();
    valetkey_core::ports::Entropy::fill(&entropy, &mut [0; 1]);
    let restarted = valetkey_messenger::WebhookMessenger::new(
        valetkey_messenger::WebhookConfig {
            url: format!("{}/hooks/valetkey", after.server.url()),
            secret: valetkey_core::SecretName::parse("hook").unwrap(),
            deadline: crate::world::PATIENT,
            may_answer: true,
            extra_ca: None,
        },
        std::sync::Arc::clone(&after.secrets) as _,
        std::sync::Arc::clone(&after.clock) as _,
        &entropy,
    )
    .unwrap();
    let asked = question(1);
    let carried = valetkey_core::ports::Messenger::carry(&restarted, &asked, &asked.asked.user);
    let error = carried.await.unwrap_err();
    assert!(error.to_string().contains("`nonce`"), "{error}");
}
