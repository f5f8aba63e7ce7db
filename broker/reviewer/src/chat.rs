//! A reviewer behind an OpenAI-compatible server.

use std::{sync::Arc, time::Duration};

use tokio::time;
use valetkey_core::{
    Opinion, SecretName, StoreError,
    ports::{Answer, ReviewCase, ReviewError, Reviewer, SecretKey, SecretStore},
    text::printable,
};
use valetkey_secret::Destination;
use valetkey_web::{
    Address, Failure, Outgoing, Reach, StatusCode, WebClient, bearer,
    header::{AUTHORIZATION, HeaderValue},
};
use zeroize::Zeroizing;

use crate::{
    case,
    completion::{Asking, Completion},
    config::{ChatConfig, ConfigError},
    verdict::{self, ANSWER_LIMIT, Object, nonsense, too_long},
};

/// Asks `POST {url}/chat/completions` for strict JSON. The key is read from the keyring for each
/// question, and wiped after it. Of the answer, the text of its only choice is read as a verdict, and
/// the model's name is kept with it.
pub struct ChatReviewer {
    name: String,
    model: String,
    key: Option<SecretName>,
    address: Address,
    deadline: Duration,
    web: WebClient,
    secrets: Arc<dyn SecretStore>,
}

impl ChatReviewer {
    /// Makes one; asks nobody yet.
    ///
    /// # Errors
    /// [`ConfigError::Url`] and [`ConfigError::ExtraCa`].
    pub fn new(config: ChatConfig, secrets: Arc<dyn SecretStore>) -> Result<Self, ConfigError> {
        let base = Address::parse(&config.url)?;
        let web = WebClient::new(Reach::of(&base), config.extra_ca.as_deref(), ANSWER_LIMIT)?;
        Ok(Self {
            name: config.name,
            model: config.model,
            key: config.key,
            address: base.below(&["chat", "completions"]),
            deadline: config.deadline,
            web,
            secrets,
        })
    }

    async fn ask(&self, case: &ReviewCase<'_>) -> Result<Opinion, ReviewError> {
        let outgoing = self.outgoing(case)?;
        let outgoing = match self.authorization().await? {
            Some(value) => outgoing.with(AUTHORIZATION, value),
            None => outgoing,
        };
        let url = self.address.url();
        let reply = self.web.post(url, outgoing, self.deadline).await;
        let reply = reply.map_err(|failure| self.failed(&failure))?;
        if reply.status != StatusCode::OK {
            return Err(self.refused(reply.status));
        }
        let Object(completion) = reply
            .json::<Object<Completion>>()
            .map_err(|error| nonsense(error.to_string()))?;
        let words = completion.words()?;
        verdict::read(words.content.as_bytes(), &self.name, words.model.as_deref())
    }

    fn outgoing(&self, case: &ReviewCase<'_>) -> Result<Outgoing, ReviewError> {
        let unwritable = || ReviewError::Unavailable("the case cannot be written".to_owned());
        let case = String::from_utf8(case::write(case)?).map_err(|_| unwritable())?;
        let asking = Asking::new(&self.model, &case);
        let body = serde_json::to_vec(&asking).map_err(|_| unwritable())?;
        Ok(Outgoing::new("application/json", Zeroizing::new(body)))
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, ReviewError> {
        let Some(name) = &self.key else {
            return Ok(None);
        };
        let key = self.secrets.read(&SecretKey::Named(name.clone())).await;
        let key = key.map_err(|error| {
            ReviewError::Unavailable(match error {
                StoreError::NoEntry => format!(
                    "the keyring holds no key `{name}`; store it with `valetkey secret add {name}`"
                ),
                error => error.to_string(),
            })
        })?;
        let value = key.disclose(Destination::UpstreamRequest, bearer);
        value.map(Some).ok_or_else(|| {
            ReviewError::Unavailable(format!(
                "the key `{name}` has characters that no header takes; store it again with `valetkey secret add {name}`"
            ))
        })
    }

    fn failed(&self, failure: &Failure) -> ReviewError {
        match failure {
            Failure::TooLong(_) => too_long(),
            Failure::Slow(_) => self.slow(),
            failure => ReviewError::Unavailable(printable(&failure.to_string(), 220)),
        }
    }

    fn refused(&self, status: StatusCode) -> ReviewError {
        let number = status.as_u16();
        ReviewError::Unavailable(match (status, &self.key) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(name)) => {
                format!("it answered with status {number}; check the key `{name}`")
            }
            _ => format!("it answered with status {number}"),
        })
    }

    fn slow(&self) -> ReviewError {
        ReviewError::Slow(self.deadline.as_secs())
    }
}

impl Reviewer for ChatReviewer {
    fn name(&self) -> &str {
        &self.name
    }

    fn review<'a>(&'a self, case: &'a ReviewCase<'a>) -> Answer<'a, Result<Opinion, ReviewError>> {
        Box::pin(async move {
            let asked = time::timeout(self.deadline, self.ask(case)).await;
            asked.unwrap_or_else(|_| Err(self.slow()))
        })
    }
}
