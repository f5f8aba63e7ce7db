//! The provider as this crate speaks to it: token endpoint, revocation, and what it publishes.

use std::{sync::Arc, time::Duration};

use openidconnect::core::CoreJsonWebKeySet;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use url::Url;
use valetkey_core::ports::{Clock, SecretKey, SecretStore};
use valetkey_secret::RefreshToken;
use zeroize::Zeroizing;

use crate::{
    client::{HttpClient, Reply},
    config::{ConfigError, ProviderConfig},
    discovery::{Discovery, Metadata},
    form::Form,
    trouble::Trouble,
};

/// How long a logout waits for the provider.
const REVOCATION_BOUND: Duration = Duration::from_secs(5);

pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    pub(crate) clock: Arc<dyn Clock>,
    http: HttpClient,
    discovery: Discovery,
    secrets: Arc<dyn SecretStore>,
}

/// What the token endpoint gave (RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3).
pub(crate) struct Tokens {
    pub(crate) access: Zeroizing<String>,
    pub(crate) id: Option<Zeroizing<String>>,
    pub(crate) refresh: Option<RefreshToken>,
    /// Seconds that the access token lives, where it says so.
    pub(crate) lifetime: Option<u64>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(deserialize_with = "wiped")]
    access_token: Zeroizing<String>,
    #[serde(default, deserialize_with = "wiped_option")]
    id_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "wiped_option")]
    refresh_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

/// RFC 6749 section 5.2.
#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    error_description: Option<String>,
}

impl Provider {
    pub(crate) fn new(
        config: ProviderConfig,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let at = config.issuer.discovery_url()?;
        Ok(Self {
            http: HttpClient::new(&config)?,
            discovery: Discovery::new(config.issuer.clone(), at),
            config,
            clock,
            secrets,
        })
    }

    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, Trouble> {
        self.discovery.metadata(&self.http, &*self.clock).await
    }

    pub(crate) async fn keys(&self) -> Result<Arc<CoreJsonWebKeySet>, Trouble> {
        self.discovery.keys(&self.http, &*self.clock).await
    }

    /// Keys that are newer than `lacking`, which lack the one that is needed.
    pub(crate) async fn newer_keys(
        &self,
        lacking: &Arc<CoreJsonWebKeySet>,
    ) -> Result<Arc<CoreJsonWebKeySet>, Trouble> {
        self.discovery.forget_keys(lacking).await;
        self.keys().await
    }

    /// The scopes to ask for, with `offline_access` among them only where the provider knows it.
    pub(crate) fn scopes(&self, metadata: &Metadata) -> String {
        if let Some(scopes) = &self.config.scopes {
            return scopes.join(" ");
        }
        let known = |scope: &&str| match &metadata.scopes {
            Some(supported) => supported.iter().any(|known| known == scope),
            None => *scope != "groups",
        };
        let wanted = ["profile", "email", "groups", "offline_access"];
        let scopes = ["openid"]
            .into_iter()
            .chain(wanted.into_iter().filter(known));
        scopes.collect::<Vec<_>>().join(" ")
    }

    /// Asks the token endpoint.
    pub(crate) async fn tokens(&self, form: Form) -> Result<Tokens, Trouble> {
        let metadata = self.metadata().await?;
        let form = self.signed(form, &metadata).await?;
        let reply = self.http.post(&metadata.token, form, None).await?;
        let answer: TokenAnswer = accepted(&reply)?.json()?;
        let refresh = answer.refresh_token.filter(|token| !token.is_empty());
        Ok(Tokens {
            access: answer.access_token,
            id: answer.id_token,
            refresh: refresh
                .map(|token| RefreshToken::new(Zeroizing::new(token.as_bytes().to_vec()))),
            lifetime: answer.expires_in,
        })
    }

    /// Asks the device authorization endpoint (RFC 8628 section 3.1).
    pub(crate) async fn device<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &Url,
        form: Form,
    ) -> Result<T, Trouble> {
        let metadata = self.metadata().await?;
        let form = self.signed(form, &metadata).await?;
        let reply = self.http.post(endpoint, form, None).await?;
        accepted(&reply)?.json()
    }

    /// Revokes a refresh token (RFC 7009). Answers within five seconds.
    pub(crate) async fn revoke(&self, token: &RefreshToken) -> Result<(), Trouble> {
        let revocation = async {
            let metadata = self.metadata().await?;
            let none = || Trouble::Unreachable("it has no revocation endpoint".to_owned());
            let endpoint = metadata.revocation.as_ref().ok_or_else(none)?;
            let form = Form::new()
                .with_refresh_token("token", token)
                .with("token_type_hint", "refresh_token");
            let form = self.signed(form, &metadata).await?;
            let reply = self
                .http
                .post(endpoint, form, Some(REVOCATION_BOUND))
                .await?;
            accepted(&reply).map(drop)
        };
        match tokio::time::timeout(REVOCATION_BOUND, revocation).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Trouble::Unreachable(format!(
                "no answer within {} s",
                REVOCATION_BOUND.as_secs()
            ))),
        }
    }

    /// The form with the client's name and, for a confidential client, its proof.
    async fn signed(&self, form: Form, metadata: &Metadata) -> Result<Form, Trouble> {
        let id = &self.config.client_id;
        let Some(name) = &self.config.client_secret_key else {
            return Ok(form.by_public(id));
        };
        let secret = self.secrets.read(&SecretKey::Named(name.clone())).await;
        let secret = secret.map_err(|error| match error {
            // `NoEntry` of the login itself means something else.
            valetkey_core::StoreError::NoEntry => Trouble::NoClientSecret(name.clone()),
            error => Trouble::Keyring(error),
        })?;
        form.by_confidential(id, &secret, metadata.client_auth)
    }
}

/// The reply, where it is not a refusal.
fn accepted(reply: &Reply) -> Result<&Reply, Trouble> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    let answer: ErrorAnswer = reply.json()?;
    Err(Trouble::refused(
        &answer.error,
        answer.error_description.as_deref(),
    ))
}

fn wiped<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

fn wiped_option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Zeroizing<String>>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(Zeroizing::new))
}

/// A number, or as some providers write it, a number in quotes. Anything else says nothing.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(u64),
        Text(String),
        Other(IgnoredAny),
    }
    Ok(match Seconds::deserialize(from)? {
        Seconds::Number(number) => Some(number),
        Seconds::Text(text) => text.parse().ok(),
        Seconds::Other(_) => None,
    })
}
