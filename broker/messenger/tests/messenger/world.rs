//! A server that people answer on, and what it says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use serde_json::{Value, json};
use valetkey_core::{
    Approval, Moment, SecretName,
    ports::{
        CarriedAnswer, Clock as _, Messenger as _, MessengerError, SecretKey, SecretStore as _,
    },
};
use valetkey_messenger::{WebhookConfig, WebhookMessenger};
use valetkey_secret::RootSecret;
use valetkey_support::{
    CountingEntropy, MovableClock,
    contracts::{approvals, sessions},
    fakes::secret_store::FakeSecretStore,
    http::{Heard, ScriptedServer, Step, reply},
};
use zeroize::Zeroizing;

/// The base64 of 24 bytes. It must not be seen anywhere.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Longer than anything here takes.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// For what never comes.
pub(crate) const BRIEF: Duration = Duration::from_millis(300);

/// Question `n` of one session.
pub(crate) fn question(n: u64) -> Approval {
    approvals::question(n, &sessions::session(1))
}

/// What a test changes of a desk before it opens.
pub(crate) struct Plan {
    pub(crate) deadline: Duration,
    pub(crate) may_answer: bool,
    pub(crate) secret: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            deadline: PATIENT,
            may_answer: true,
            secret: Some(SECRET),
        }
    }
}

/// A messenger and its server.
pub(crate) struct Desk {
    pub(crate) server: ScriptedServer,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) secrets: Arc<FakeSecretStore>,
    pub(crate) messenger: WebhookMessenger,
    /// How long it waited between its posts, in seconds.
    pub(crate) waited: Arc<Mutex<Vec<u64>>>,
}

impl Desk {
    pub(crate) async fn with(
        plan: Plan,
        script: impl Fn(usize, &Heard) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let server = ScriptedServer::start(script).await.unwrap();
        Self::at(plan, server).await
    }

    pub(crate) async fn at(plan: Plan, server: ScriptedServer) -> Self {
        let clock = Arc::new(MovableClock::default());
        let secrets = Arc::new(FakeSecretStore::default());
        let name = SecretName::parse("hook").unwrap();
        if let Some(secret) = plan.secret {
            let secret = RootSecret::new(Zeroizing::new(secret.into()));
            let key = SecretKey::Named(name.clone());
            secrets.write(&key, secret).await.unwrap();
        }
        let config = WebhookConfig {
            url: format!("{}/hooks/valetkey", server.url()),
            secret: name,
            deadline: plan.deadline,
            may_answer: plan.may_answer,
            extra_ca: None,
        };
        let waited = Arc::new(Mutex::new(Vec::new()));
        let messenger = WebhookMessenger::new(
            config,
            Arc::clone(&secrets) as _,
            Arc::clone(&clock) as _,
            &CountingEntropy::default(),
        )
        .unwrap()
        .waiting_by(Arc::new({
            let (clock, waited) = (Arc::clone(&clock), Arc::clone(&waited));
            move |time| {
                clock.pass_seconds(time.as_secs());
                waited.lock().unwrap().push(time.as_secs());
                Box::pin(async {})
            }
        }));
        Self {
            server,
            clock,
            secrets,
            messenger,
            waited,
        }
    }

    pub(crate) async fn carry(
        &self,
        question: &Approval,
    ) -> Result<Option<CarriedAnswer>, MessengerError> {
        self.messenger.carry(question, &question.asked.user).await
    }
}

/// The time of a desk that nobody moved.
pub(crate) fn now() -> Moment {
    MovableClock::default().now()
}

/// What a person says to a question as it was heard: yes, once.
pub(crate) fn yes(heard: &Heard) -> Value {
    let asked: Value = serde_json::from_slice(&heard.body).unwrap();
    json!({
        "type": "approval.answered",
        "approval": asked["approval"],
        "digest": asked["digest"],
        "nonce": asked["nonce"],
        "answer": "once",
        "by": {
            "issuer": "https://id.example.test",
            "subject": "bob",
            "display": "Bob",
            "groups": ["leads"],
        },
    })
}

/// A signed reply, now, with an id of its own.
pub(crate) fn signed(body: &Value) -> Vec<Step> {
    signed_as("msg-1", now().unix_seconds(), body.to_string().as_bytes())
}

pub(crate) fn signed_as(id: &str, timestamp: u64, body: &[u8]) -> Vec<Step> {
    let timestamp = timestamp.to_string();
    let signature = format!("v1,{}", sign(SECRET, id, &timestamp, body));
    with_headers(id, &timestamp, &signature, body)
}

pub(crate) fn with_headers(id: &str, timestamp: &str, signature: &str, body: &[u8]) -> Vec<Step> {
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    reply("200 OK", &headers, body)
}

/// As everybody else computes it.
pub(crate) fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let secret = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.unwrap());
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    BASE64_STANDARD.encode(hmac::sign(&key, &message))
}
