//! A question, a server or a program to put it to, and a keyring with a key in it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use valetkey_core::{
    Approval, CallerFacts, Event, Opinion, Record, SecretName,
    ports::{ReviewCase, ReviewError, Reviewer as _, SecretKey, SecretStore as _},
};
use valetkey_reviewer::{ChatConfig, ChatReviewer, CommandConfig, CommandReviewer};
use valetkey_secret::RootSecret;
use valetkey_support::{
    contracts::reviewer::question,
    fakes::secret_store::FakeSecretStore,
    http::{Heard, ScriptedServer, Step, json as answer_with},
};
use zeroize::Zeroizing;

/// The key. It must not be seen anywhere but in one header.
pub(crate) const KEY: &str = "sk-canary-0123456789";
/// Longer than anything here takes.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);
/// For what never comes.
pub(crate) const BRIEF: Duration = Duration::from_millis(300);

/// A question with these words of the agent.
pub(crate) fn saying(words: &str) -> Approval {
    let mut question = question();
    question.asked.reason = Some(words.to_owned());
    question
}

/// What the session did: it asked in vain for something with these words as its name.
pub(crate) fn refused(words: &str) -> Record {
    Record {
        at: question().at.unix_ms - 90_000,
        request: None,
        session: Some(question().session),
        event: Event::TokenRefused {
            code: "unknown_credential".into(),
            detail: Some("private".into()),
            credential: words.into(),
            scopes: words.into(),
            audience: Some(words.into()),
            lifetime: Some(60),
            approval: None,
            caller: CallerFacts {
                uid: 1000,
                pid: 4711,
                started: 1,
            },
        },
    }
}

pub(crate) fn case<'a>(approval: &'a Approval, history: &'a [Record]) -> ReviewCase<'a> {
    ReviewCase {
        approval,
        history,
        refusals: history.len(),
        complete: true,
    }
}

/// A completion with this text.
pub(crate) fn completion(content: &str) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_800_000_000,
        "model": "judge-1",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content, "refusal": null },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18 },
    })
}

pub(crate) fn says(content: &str) -> Vec<Step> {
    answer_with(completion(content).to_string().as_bytes())
}

/// A verdict as JSON.
pub(crate) fn verdict(verdict: &str, rationale: &str) -> String {
    json!({ "verdict": verdict, "risk": "medium", "rationale": rationale }).to_string()
}

pub(crate) struct Chat {
    pub(crate) server: ScriptedServer,
    pub(crate) secrets: Arc<FakeSecretStore>,
    pub(crate) reviewer: ChatReviewer,
}

impl Chat {
    pub(crate) async fn with(
        deadline: Duration,
        script: impl Fn(usize, &Heard) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let server = ScriptedServer::start(script).await.unwrap();
        let key = SecretName::parse("judge-key").unwrap();
        let secrets = Arc::new(FakeSecretStore::default());
        let secret = RootSecret::new(Zeroizing::new(KEY.into()));
        let stored = SecretKey::Named(key.clone());
        secrets.write(&stored, secret).await.unwrap();
        let config = ChatConfig {
            name: "judge".into(),
            url: format!("{}/v1", server.url()),
            model: "judge-model".into(),
            key: Some(key),
            deadline,
            extra_ca: None,
        };
        let reviewer = ChatReviewer::new(config, Arc::clone(&secrets) as _).unwrap();
        Self {
            server,
            secrets,
            reviewer,
        }
    }

    pub(crate) async fn review(&self, words: &str) -> Result<Opinion, ReviewError> {
        let question = saying(words);
        self.reviewer.review(&case(&question, &[])).await
    }
}

/// A shell command as a reviewer, with one argument, `$0`.
pub(crate) fn shell(deadline: Duration, script: &str, argument: &str) -> CommandReviewer {
    let command = ["/bin/sh", "-c", script, argument];
    CommandReviewer::new(CommandConfig {
        name: "script".into(),
        command: command.map(str::to_owned).into(),
        deadline,
    })
    .unwrap()
}
