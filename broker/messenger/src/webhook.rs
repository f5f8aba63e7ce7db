//! A server that carries questions to people, and their answers back.

use std::{sync::Arc, time::Duration};

use ring::hmac;
use tokio::time;
use valetkey_core::{
    Approval, SecretName, StoreError, UserId,
    ports::{
        Answer, CarriedAnswer, Clock, Entropy, Messenger, MessengerError, SecretKey, SecretStore,
    },
    text::printable,
};
use valetkey_secret::Destination;
use valetkey_web::{Address, Outgoing, Reach, Reply, StatusCode, WebClient, header::HeaderValue};
use zeroize::Zeroizing;

use crate::{
    answer,
    config::{ConfigError, WebhookConfig},
    question,
    seen::Seen,
    signature::{ID, SIGNATURE, Signed, SigningKey, TIMESTAMP},
};

/// Longest answer, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// How long the server may let us wait before it is asked again, in seconds: at least, where it does
/// not say, and at most.
const AGAIN: (u64, u64, u64) = (1, 5, 60);

/// A way to wait.
pub type Wait = Arc<dyn Fn(Duration) -> Answer<'static, ()> + Send + Sync>;

/// Posts each question, signed, and reads the answer from a signed reply. See the crate's `question`
/// and `answer` for the two bodies, `signature` for the headers.
///
/// | the server answers | that means |
/// |---|---|
/// | 200 and a signed answer | somebody answered |
/// | 202, perhaps with `Retry-After` | somebody was asked: the same question is posted again then |
/// | anything else | it failed |
///
/// Every post of a question has the same `webhook-id`, the id of the approval, so a server that was
/// asked already asks nobody twice. Where answers may not come back, 200 and 202 both mean that the
/// question arrived.
pub struct WebhookMessenger {
    address: Address,
    secret: SecretName,
    deadline: Duration,
    may_answer: bool,
    web: WebClient,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    /// Makes the nonces: one for each question in each run of the broker.
    nonces: hmac::Key,
    seen: Seen,
    wait: Wait,
}

impl WebhookMessenger {
    /// Makes one; asks nobody yet.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(
        config: WebhookConfig,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<Self, ConfigError> {
        let address = Address::parse(&config.url)?;
        let reach = Reach::of(&address);
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(&mut *seed);
        Ok(Self {
            web: WebClient::new(reach, config.extra_ca.as_deref(), ANSWER_LIMIT)?,
            address,
            secret: config.secret,
            deadline: config.deadline,
            may_answer: config.may_answer,
            secrets,
            clock,
            nonces: hmac::Key::new(hmac::HMAC_SHA256, &*seed),
            seen: Seen::default(),
            wait: Arc::new(|time| Box::pin(time::sleep(time))),
        })
    }

    /// The same with another way to wait than the runtime's timer: for tests, which do not sleep.
    #[must_use]
    pub fn waiting_by(self, wait: Wait) -> Self {
        Self { wait, ..self }
    }
}

impl WebhookMessenger {
    async fn carry_out(
        &self,
        question: &Approval,
    ) -> Result<Option<CarriedAnswer>, MessengerError> {
        let nonce = self.nonce(question);
        while !question.expires.passed(self.clock.now()) {
            let (reply, key) = self.post(question, &nonce).await?;
            match reply.status {
                StatusCode::OK if self.may_answer => {
                    let by_now = self.clock.now().unix_seconds();
                    let forged = MessengerError::Forged;
                    let signed = Signed::of(&reply).map_err(forged)?;
                    signed.verify(&key, by_now).map_err(forged)?;
                    let carried = answer::read(reply.body(), question, &nonce).map_err(forged)?;
                    if !self.seen.is_new(signed.id) {
                        return Err(forged("it was received before".to_owned()));
                    }
                    return Ok(Some(carried));
                }
                StatusCode::ACCEPTED if self.may_answer => {
                    (self.wait)(self.until_again(question, &reply)).await;
                }
                StatusCode::OK | StatusCode::ACCEPTED => break,
                status => {
                    return Err(MessengerError::Failed(format!(
                        "the webhook answered with status {}",
                        status.as_u16()
                    )));
                }
            }
        }
        Ok(None)
    }

    async fn post(
        &self,
        question: &Approval,
        nonce: &str,
    ) -> Result<(Reply, SigningKey), MessengerError> {
        let body = question::write(question, nonce, self.may_answer)
            .map_err(|_| MessengerError::Failed("the question cannot be written".to_owned()))?;
        let key = self.key().await?;
        let id = question.id.to_string();
        let timestamp = self.clock.now().unix_seconds();
        let signature = key.sign(&id, timestamp, &body);
        let mut outgoing = Outgoing::new("application/json", Zeroizing::new(body));
        for (name, value) in [
            (ID, id),
            (TIMESTAMP, timestamp.to_string()),
            (SIGNATURE, signature),
        ] {
            let value = HeaderValue::try_from(value)
                .map_err(|_| MessengerError::Failed("the question cannot be signed".to_owned()))?;
            outgoing = outgoing.with(name, value);
        }
        let url = self.address.url();
        let reply = self.web.post(url, outgoing, self.deadline).await;
        let reply = reply.map_err(|failure| {
            let why = printable(&failure.to_string(), 220);
            MessengerError::Failed(format!("the webhook does not answer: {why}"))
        })?;
        Ok((reply, key))
    }

    async fn key(&self) -> Result<SigningKey, MessengerError> {
        let name = &self.secret;
        let stored = SecretKey::Named(name.clone());
        let secret = self.secrets.read(&stored).await.map_err(|error| {
            MessengerError::Failed(match error {
                StoreError::NoEntry => format!(
                    "the keyring holds no secret `{name}`; store it with `valetkey secret add {name}`"
                ),
                error => error.to_string(),
            })
        })?;
        let key = secret.disclose(Destination::UpstreamRequest, SigningKey::parse);
        key.ok_or_else(|| {
            MessengerError::Failed(format!(
                "the secret `{name}` is not `whsec_` and the base64 of 24 to 64 bytes; store it again with `valetkey secret add {name}`"
            ))
        })
    }

    /// A value that nobody can know who did not see this question in this run of the broker: an answer
    /// that names it cannot be an old one, however the approval and its digest look.
    fn nonce(&self, question: &Approval) -> String {
        let text = format!("{} {}", question.id, question.digest());
        let tag = hmac::sign(&self.nonces, text.as_bytes());
        let tag = tag.as_ref().iter().take(16);
        tag.map(|byte| format!("{byte:02x}")).collect()
    }

    /// As long as the server asks for, but not beyond the question's end.
    fn until_again(&self, question: &Approval, reply: &Reply) -> Duration {
        let (least, usual, most) = AGAIN;
        // The form with a date (RFC 9110 section 10.2.3) says nothing here.
        let asked = reply.header("retry-after").and_then(|it| it.parse().ok());
        let left = question.expires.remaining_seconds(self.clock.now());
        let seconds = asked.unwrap_or(usual).min(left.saturating_add(1));
        Duration::from_secs(seconds.clamp(least, most))
    }
}

impl Messenger for WebhookMessenger {
    fn name(&self) -> &str {
        "webhook"
    }

    fn carry<'a>(
        &'a self,
        question: &'a Approval,
        _asker: &'a UserId,
    ) -> Answer<'a, Result<Option<CarriedAnswer>, MessengerError>> {
        Box::pin(self.carry_out(question))
    }
}
