//! Device authorization grant (RFC 8628): the person's browser is somewhere else.

use std::time::Duration;

use serde::Deserialize;
use tokio::time;
use url::Url;
use valetkey_core::{ports::LoginStart, text::printable};
use zeroize::Zeroizing;

use crate::{
    form::Form,
    provider::{Provider, Tokens},
    trouble::Trouble,
};

/// Section 3.2: what is waited between two polls where the provider says nothing.
const INTERVAL: u64 = 5;
/// Section 3.5: what `slow_down` adds.
const SLOWER: Duration = Duration::from_secs(5);
/// Longest time between two polls, however slow the provider wants it.
const SLOWEST: Duration = Duration::from_secs(60);

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device authorization whose code has not been used.
pub(crate) struct DeviceFlow {
    device_code: Zeroizing<String>,
    start: LoginStart,
    pace: Pace,
}

/// Section 3.2.
#[derive(Deserialize)]
struct Authorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

impl DeviceFlow {
    pub(crate) async fn begin(provider: &Provider) -> Result<Self, Trouble> {
        let metadata = provider.metadata().await?;
        let endpoint = metadata.device.as_ref().ok_or_else(|| {
            Trouble::refused(
                "unsupported_grant_type",
                Some("this provider has no device flow; log in without `--device`"),
            )
        })?;
        let form = Form::new().with("scope", &provider.scopes(&metadata));
        let answer: Authorization = provider.device(endpoint, form).await?;
        let limit = provider.config.login_timeout_seconds;
        Ok(Self {
            device_code: Zeroizing::new(answer.device_code),
            start: LoginStart::Device {
                verification_uri: shown(&answer.verification_uri)?,
                verification_uri_complete: answer
                    .verification_uri_complete
                    .map(|uri| shown(&uri))
                    .transpose()?,
                user_code: printable(&answer.user_code, 64),
                expires_in: answer.expires_in.min(limit),
            },
            pace: Pace(Duration::from_secs(
                answer.interval.unwrap_or(INTERVAL).max(1),
            )),
        })
    }

    pub(crate) fn start(&self) -> LoginStart {
        self.start.clone()
    }

    /// Polls until the person has answered. Whoever calls bounds the time.
    pub(crate) async fn finish(mut self, provider: &Provider) -> Result<Tokens, Trouble> {
        loop {
            time::sleep(self.pace.0.min(SLOWEST)).await;
            let form = Form::new()
                .with("grant_type", GRANT_TYPE)
                .with("device_code", &self.device_code);
            match provider.tokens(form).await {
                Ok(tokens) => return Ok(tokens),
                Err(trouble) => self.pace.after(trouble)?,
            }
        }
    }
}

/// How long to wait before the next poll.
struct Pace(Duration);

impl Pace {
    /// Section 3.5: goes on, slower where asked, or says that polling is over.
    fn after(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        match &trouble {
            Trouble::Refused { error, .. } => match error.as_str() {
                "authorization_pending" => Ok(()),
                "slow_down" => {
                    self.0 += SLOWER;
                    Ok(())
                }
                "expired_token" => Err(Trouble::Abandoned(
                    "the code was not typed in time".to_owned(),
                )),
                _ => Err(trouble),
            },
            Trouble::Unreachable(_) => {
                self.0 = self.0.saturating_mul(2).min(SLOWEST);
                Ok(())
            }
            _ => Err(trouble),
        }
    }
}

/// An address that a person is asked to open: one of the web's, and nothing that a terminal obeys.
fn shown(uri: &str) -> Result<String, Trouble> {
    Url::parse(uri)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http"))
        .map(String::from)
        .ok_or_else(|| {
            Trouble::Unbelievable(format!("the address for the device code is none: `{uri}`"))
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, shown};
    use crate::trouble::Trouble;

    #[test]
    fn the_provider_sets_the_pace() {
        let mut pace = Pace(Duration::from_secs(5));
        let mut after = |trouble| pace.after(trouble).map(|()| pace.0.as_secs());
        assert_eq!(
            after(Trouble::refused("authorization_pending", None)),
            Ok(5)
        );
        assert_eq!(after(Trouble::refused("slow_down", None)), Ok(10));
        assert_eq!(after(Trouble::Unreachable(String::new())), Ok(20));
        assert!(matches!(
            after(Trouble::refused("expired_token", None)),
            Err(Trouble::Abandoned(_))
        ));
        assert!(after(Trouble::refused("access_denied", None)).is_err());
        assert!(after(Trouble::refused("invalid_grant", None)).is_err());
    }

    #[test]
    fn only_web_addresses_are_shown() {
        assert!(shown("https://id.example.test/device").is_ok());
        assert!(shown("javascript:alert(1)").is_err());
        assert_eq!(
            shown("https://id.example.test/\u{1b}[2J").unwrap(),
            "https://id.example.test/%1B[2J"
        );
    }
}
