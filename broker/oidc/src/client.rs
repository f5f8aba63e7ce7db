//! Speaks to the provider, and to nobody else: `valetkey-web` in this crate's words.

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;
use valetkey_core::text::printable;
use valetkey_web::{Failure, Reach, StatusCode, TrustError, WebClient};

use crate::{
    config::{ConfigError, ProviderConfig},
    form::Form,
    trouble::Trouble,
};

/// Longest answer, in bytes. Metadata, keys and tokens of large providers have a tenth of it.
const ANSWER_LIMIT: usize = 1 << 20;

pub(crate) struct HttpClient {
    web: WebClient,
    timeout: Duration,
}

/// An answer that is not a failure of the server. Its bytes may be a token and are wiped.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    reply: valetkey_web::Reply,
}

impl HttpClient {
    pub(crate) fn new(config: &ProviderConfig) -> Result<Self, ConfigError> {
        let reach = if config.issuer.is_https() {
            Reach::Secure
        } else {
            Reach::Loopback
        };
        Ok(Self {
            web: WebClient::new(reach, config.extra_ca.as_deref(), ANSWER_LIMIT)?,
            timeout: config.request_timeout(),
        })
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Reply, Trouble> {
        sorted(self.web.get(url, self.timeout).await)
    }

    /// Posts a form (RFC 6749 appendix B), `within` this time or the configured one, whichever is less.
    pub(crate) async fn post(
        &self,
        url: &Url,
        form: Form,
        within: Option<Duration>,
    ) -> Result<Reply, Trouble> {
        let within = within.map_or(self.timeout, |within| within.min(self.timeout));
        sorted(self.web.post(url, form.into_outgoing(), within).await)
    }
}

fn sorted(answer: Result<valetkey_web::Reply, Failure>) -> Result<Reply, Trouble> {
    let reply = answer?;
    let status = reply.status;
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Trouble::Unreachable(format!(
            "it answered with status {}",
            status.as_u16()
        )));
    }
    Ok(Reply { status, reply })
}

impl Reply {
    /// The answer as JSON. What cannot be read is not quoted, for it may hold a token.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        let read = self.reply.json();
        read.map_err(|error| Trouble::Unreachable(error.to_string()))
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsendable => Self::Internal("a request could not be made"),
            failure => Self::Unreachable(printable(&failure.to_string(), 220)),
        }
    }
}

impl From<TrustError> for ConfigError {
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::ExtraCa(why) => Self::ExtraCa(why),
            TrustError::NoRoots => Self::NoRoots,
            TrustError::Tls(why) => Self::Tls(why),
        }
    }
}
