//! What the provider publishes of itself: metadata (OpenID Connect Discovery 1.0, RFC 8414) and keys.

use std::sync::Arc;

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use valetkey_core::{Deadline, ports::Clock};

use crate::{client::HttpClient, config::Issuer, form::ClientAuth, trouble::Trouble};

/// For how many seconds the metadata and the keys are believed without asking again.
const CACHED: u64 = 3600;

/// The provider's metadata, as far as it is used. Every address has been checked against the issuer.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) device: Option<Url>,
    pub(crate) revocation: Option<Url>,
    /// RFC 9207 section 3: whether every authorization response carries `iss`.
    pub(crate) responses_name_issuer: bool,
    /// `None` where it does not say.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) client_auth: ClientAuth,
    keys: Url,
}

/// The metadata as it arrives.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    scopes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Fetches what the provider publishes, and keeps it for an hour. Any number of callers share one
/// request.
pub(crate) struct Discovery {
    issuer: Issuer,
    at: Url,
    metadata: Mutex<Option<(Deadline, Arc<Metadata>)>>,
    keys: Mutex<Option<(Deadline, Arc<CoreJsonWebKeySet>)>>,
}

impl Discovery {
    pub(crate) fn new(issuer: Issuer, at: Url) -> Self {
        Self {
            issuer,
            at,
            metadata: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    pub(crate) async fn metadata(
        &self,
        http: &HttpClient,
        clock: &dyn Clock,
    ) -> Result<Arc<Metadata>, Trouble> {
        let mut kept = self.metadata.lock().await;
        if let Some((until, metadata)) = &*kept
            && !until.passed(clock.now())
        {
            return Ok(Arc::clone(metadata));
        }
        let reply = http.get(&self.at).await?;
        if !reply.status.is_success() {
            return Err(Trouble::Unreachable(format!(
                "its metadata was answered with status {}",
                reply.status.as_u16()
            )));
        }
        let metadata = Arc::new(parse(&self.issuer, reply.json()?)?);
        *kept = Some((clock.now().after(CACHED), Arc::clone(&metadata)));
        Ok(metadata)
    }

    pub(crate) async fn keys(
        &self,
        http: &HttpClient,
        clock: &dyn Clock,
    ) -> Result<Arc<CoreJsonWebKeySet>, Trouble> {
        let mut kept = self.keys.lock().await;
        if let Some((until, keys)) = &*kept
            && !until.passed(clock.now())
        {
            return Ok(Arc::clone(keys));
        }
        let metadata = self.metadata(http, clock).await?;
        let reply = http.get(&metadata.keys).await?;
        if !reply.status.is_success() {
            return Err(Trouble::Unreachable(format!(
                "its keys were answered with status {}",
                reply.status.as_u16()
            )));
        }
        let keys = Arc::new(reply.json::<CoreJsonWebKeySet>()?);
        *kept = Some((clock.now().after(CACHED), Arc::clone(&keys)));
        Ok(keys)
    }

    /// Forgets these keys, because they lack one that is needed; does nothing where newer ones are
    /// kept already.
    pub(crate) async fn forget_keys(&self, lacking: &Arc<CoreJsonWebKeySet>) {
        let mut kept = self.keys.lock().await;
        if kept
            .as_ref()
            .is_some_and(|(_, keys)| Arc::ptr_eq(keys, lacking))
        {
            *kept = None;
        }
    }
}

fn parse(issuer: &Issuer, document: Document) -> Result<Metadata, Trouble> {
    if document.issuer != issuer.as_str() {
        return Err(Trouble::Unbelievable(format!(
            "its metadata names the issuer `{}`, the configuration `{}`",
            document.issuer,
            issuer.as_str()
        )));
    }
    let address = |name: &str, text: &str| {
        Url::parse(text)
            .ok()
            .filter(|url| issuer.allows(url))
            .ok_or_else(|| {
                Trouble::Unbelievable(format!(
                    "its metadata has a `{name}` that must not be used: `{text}`"
                ))
            })
    };
    let optional =
        |name: &str, text: Option<String>| text.map(|text| address(name, &text)).transpose();
    let methods = document.token_endpoint_auth_methods_supported;
    // RFC 8414 section 2: `client_secret_basic` where nothing is said.
    let basic = methods.is_none_or(|all| {
        all.iter().any(|method| method == "client_secret_basic")
            || !all.iter().any(|method| method == "client_secret_post")
    });
    Ok(Metadata {
        authorization: address("authorization_endpoint", &document.authorization_endpoint)?,
        token: address("token_endpoint", &document.token_endpoint)?,
        keys: address("jwks_uri", &document.jwks_uri)?,
        device: optional(
            "device_authorization_endpoint",
            document.device_authorization_endpoint,
        )?,
        revocation: optional("revocation_endpoint", document.revocation_endpoint)?,
        responses_name_issuer: document.authorization_response_iss_parameter_supported,
        scopes: document.scopes_supported,
        client_auth: if basic {
            ClientAuth::Basic
        } else {
            ClientAuth::Post
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;
    use crate::{config::Issuer, form::ClientAuth};

    fn document() -> serde_json::Value {
        json!({
            "issuer": "https://id.example.test",
            "authorization_endpoint": "https://id.example.test/authorize",
            "token_endpoint": "https://id.example.test/token",
            "jwks_uri": "https://keys.example.test/jwks",
        })
    }

    fn parsed(change: impl FnOnce(&mut serde_json::Value)) -> Result<super::Metadata, String> {
        let mut document = document();
        change(&mut document);
        let issuer = Issuer::parse("https://id.example.test").unwrap();
        parse(&issuer, serde_json::from_value(document).unwrap()).map_err(|t| t.sentence())
    }

    #[test]
    fn the_least_is_enough() {
        let metadata = parsed(|_| ()).unwrap();
        assert_eq!(metadata.client_auth, ClientAuth::Basic);
        assert!(!metadata.responses_name_issuer);
        assert!(metadata.device.is_none());
    }

    #[test]
    fn the_issuer_is_compared_letter_by_letter() {
        assert!(parsed(|d| d["issuer"] = "https://id.example.test/".into()).is_err());
        assert!(parsed(|d| d["issuer"] = "https://ID.example.test".into()).is_err());
    }

    #[test]
    fn no_address_leaves_tls() {
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "device_authorization_endpoint",
        ] {
            for bad in [
                "http://id.example.test/x",
                "http://127.0.0.1/x",
                "javascript:alert(1)",
            ] {
                let error = parsed(|d| d[name] = bad.into()).unwrap_err();
                assert!(error.contains(name), "{error}");
            }
        }
    }

    #[test]
    fn a_secret_is_posted_only_where_basic_is_not_taken() {
        let auth = |methods| {
            let metadata = parsed(|d| d["token_endpoint_auth_methods_supported"] = methods);
            metadata.unwrap().client_auth
        };
        assert_eq!(auth(json!(["client_secret_post"])), ClientAuth::Post);
        let both = json!(["client_secret_post", "client_secret_basic"]);
        assert_eq!(auth(both), ClientAuth::Basic);
        assert_eq!(auth(json!(["none"])), ClientAuth::Basic);
    }
}
