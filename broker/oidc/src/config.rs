//! What the configuration says of the identity provider.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;
use url::Url;
use valetkey_core::SecretName;
use valetkey_web::is_plain_loopback;

/// A provider that cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The issuer is not one that may be trusted with a login.
    #[error(
        "the issuer `{0}` must begin with `https://`, or with `http://` on a loopback address, and have neither query nor fragment"
    )]
    Issuer(String),
    /// A number is outside of what makes sense.
    #[error("`provider.{field}` must be between {least} and {most} seconds")]
    Range {
        /// The field.
        field: &'static str,
        /// Its least value.
        least: u64,
        /// Its greatest value.
        most: u64,
    },
    /// The scopes ask for no ID token.
    #[error("`provider.scopes` must contain `openid`")]
    NoOpenid,
    /// The extra certificates cannot be read.
    #[error("`provider.extra_ca` cannot be used: {0}")]
    ExtraCa(String),
    /// The system has no root certificates, so no provider could be believed.
    #[error(
        "the system has no root certificates; install `ca-certificates`, or set `provider.extra_ca`"
    )]
    NoRoots,
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {0}")]
    Tls(String),
}

/// The identity provider, as the table `[provider]` of the configuration has it. Only `issuer` and
/// `client_id` have no default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// The issuer, exactly as the provider writes it.
    pub issuer: Issuer,
    /// The client id that the provider gave.
    pub client_id: String,
    /// For a confidential client: the name under which its secret was stored with
    /// `valetkey secret add`. A native application usually has none (RFC 8252 section 8.5).
    #[serde(default)]
    pub client_secret_key: Option<SecretName>,
    /// What is asked for. By default `openid` and, of `profile`, `email`, `groups` and
    /// `offline_access`, what the provider says it knows.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The port of the loopback redirect, for providers that compare it; a free one by default
    /// (RFC 8252 section 7.3). The redirect is `http://127.0.0.1:PORT/callback`.
    #[serde(default)]
    pub redirect_port: Option<u16>,
    /// The claim of the ID token that lists the groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Claims that every ID token must have, with the values that are accepted.
    #[serde(default)]
    pub required_claims: BTreeMap<String, Accepted>,
    /// For how many seconds after the provider last confirmed a login its sessions go on while the
    /// provider does not answer. 60 to 86,400; 4 hours by default.
    #[serde(default = "grace")]
    pub grace_seconds: u64,
    /// The bound of one request to the provider, answer included. 1 to 60; 10 by default.
    #[serde(default = "request_timeout")]
    pub request_timeout_seconds: u64,
    /// The bound of a login, from its begin to the person's last click. 5 to 3,600; 5 minutes by
    /// default.
    #[serde(default = "login_timeout")]
    pub login_timeout_seconds: u64,
    /// By how many seconds the provider's clock and ours may differ. 0 to 600; 60 by default.
    #[serde(default = "clock_skew")]
    pub clock_skew_seconds: u64,
    /// A PEM file with certificates to trust beside the system's, such as a company's own.
    #[serde(default)]
    pub extra_ca: Option<PathBuf>,
}

impl ProviderConfig {
    /// A public client with every default.
    pub fn new(issuer: Issuer, client_id: impl Into<String>) -> Self {
        Self {
            issuer,
            client_id: client_id.into(),
            client_secret_key: None,
            scopes: None,
            redirect_port: None,
            groups_claim: groups_claim(),
            required_claims: BTreeMap::new(),
            grace_seconds: grace(),
            request_timeout_seconds: request_timeout(),
            login_timeout_seconds: login_timeout(),
            clock_skew_seconds: clock_skew(),
            extra_ca: None,
        }
    }

    /// Whether every value makes sense; [`OidcLogins::new`](crate::OidcLogins::new) refuses what does not.
    ///
    /// # Errors
    /// [`ConfigError::Range`] and [`ConfigError::NoOpenid`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("grace", self.grace_seconds, 60, 86_400),
            ("request_timeout", self.request_timeout_seconds, 1, 60),
            ("login_timeout", self.login_timeout_seconds, 5, 3_600),
            ("clock_skew", self.clock_skew_seconds, 0, 600),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(ConfigError::Range { field, least, most });
            }
        }
        match &self.scopes {
            Some(scopes) if !scopes.iter().any(|scope| scope == "openid") => {
                Err(ConfigError::NoOpenid)
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    pub(crate) const fn login_timeout(&self) -> Duration {
        Duration::from_secs(self.login_timeout_seconds)
    }
}

/// An issuer identifier: https, or http where the bytes never leave this machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Reads an issuer. It is kept as written, because it is compared letter by letter
    /// (OpenID Connect Core 1.0 section 3.1.3.7).
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let refuse = || ConfigError::Issuer(valetkey_core::text::printable(text, 200));
        let url = Url::parse(text).map_err(|_| refuse())?;
        let bare = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if bare && (url.scheme() == "https" || is_plain_loopback(&url)) {
            Ok(Self {
                text: text.to_owned(),
                url,
            })
        } else {
            Err(refuse())
        }
    }

    /// As the provider writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether an address that the provider's metadata names may be spoken to: https, or plain http
    /// on loopback where the issuer itself is such.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        url.scheme() == "https" || (!self.is_https() && is_plain_loopback(url))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// OpenID Connect Discovery 1.0 section 4: appended to the path, whose last slash is dropped.
    pub(crate) fn discovery_url(&self) -> Result<Url, ConfigError> {
        let base = self.text.trim_end_matches('/');
        Url::parse(&format!("{base}/.well-known/openid-configuration"))
            .map_err(|_| ConfigError::Issuer(self.text.clone()))
    }
}

impl TryFrom<String> for Issuer {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        Self::parse(&text)
    }
}

/// The values of a required claim that are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Accepted {
    /// This one.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Accepted {
    pub(crate) fn has(&self, value: &str) -> bool {
        match self {
            Self::One(one) => one == value,
            Self::Any(any) => any.iter().any(|one| one == value),
        }
    }
}

fn groups_claim() -> String {
    "groups".to_owned()
}

const fn grace() -> u64 {
    4 * 60 * 60
}

const fn request_timeout() -> u64 {
    10
}

const fn login_timeout() -> u64 {
    5 * 60
}

const fn clock_skew() -> u64 {
    60
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Issuer, ProviderConfig};

    #[test]
    fn an_issuer_is_https_or_stays_on_this_machine() {
        for good in [
            "https://id.example.test",
            "https://id.example.test/realms/dev/",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/x",
            "http://localhost:9000",
        ] {
            assert!(Issuer::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.test",
            "http://127.0.0.1.example.test",
            "http://192.0.2.1",
            "ftp://127.0.0.1",
            "https://id.example.test?x=1",
            "https://id.example.test#x",
            "https://user@id.example.test",
            "id.example.test",
            "",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_https_issuer_may_not_send_us_to_plain_http() {
        let secure = Issuer::parse("https://id.example.test").unwrap();
        let local = Issuer::parse("http://127.0.0.1:9000").unwrap();
        let plain = "http://127.0.0.1:9000/token".parse().unwrap();
        let elsewhere = "http://id.example.test/token".parse().unwrap();
        assert!(local.allows(&plain));
        assert!(!local.allows(&elsewhere));
        assert!(!secure.allows(&plain));
    }

    #[test]
    fn discovery_keeps_the_path() {
        let url = |issuer| Issuer::parse(issuer).unwrap().discovery_url().unwrap();
        let expected = "https://id.example.test/realms/dev/.well-known/openid-configuration";
        assert_eq!(url("https://id.example.test/realms/dev").as_str(), expected);
        assert_eq!(
            url("https://id.example.test/realms/dev/").as_str(),
            expected
        );
    }

    #[test]
    fn two_lines_are_enough() {
        let config: ProviderConfig =
            toml::from_str("issuer = 'https://id.example.test'\nclient_id = 'valetkey'").unwrap();
        assert!(config.check().is_ok());
        assert_eq!(config.grace_seconds, 14_400);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let parse = |more: &str| {
            let text = format!("issuer = 'https://id.example.test'\nclient_id = 'v'\n{more}");
            toml::from_str::<ProviderConfig>(&text).map(|config| config.check())
        };
        assert!(parse("client_secret = 'x'").is_err(), "unknown key");
        for bad in [
            "grace_seconds = 86401",
            "grace_seconds = 59",
            "request_timeout_seconds = 0",
            "login_timeout_seconds = 4",
            "clock_skew_seconds = 601",
            "scopes = ['email']",
        ] {
            assert!(parse(bad).unwrap().is_err(), "{bad}");
        }
        let claims = parse("required_claims = { hd = 'example.test', groups = ['a', 'b'] }");
        assert!(claims.unwrap().is_ok());
        assert!(Accepted::Any(vec!["a".into(), "b".into()]).has("b"));
        assert!(!Accepted::One("a".into()).has("b"));
    }
}
