//! The HTTP client that speaks to the provider, and to nobody else.
//!
//! Bounded in time and size; follows no redirect, so that a token never goes where the metadata did
//! not say; trusts the system's roots and what the configuration adds, over ring.

use std::{path::Path, sync::Arc};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::de::DeserializeOwned;
use tokio::time;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    config::{ConfigError, ProviderConfig},
    form::Form,
    trouble::Trouble,
};

/// Longest answer, in bytes. Metadata, keys and tokens of large providers have a tenth of it.
const ANSWER_LIMIT: usize = 1 << 20;

pub(crate) struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: time::Duration,
}

/// An answer, whatever its status. Its bytes may be a token and are wiped.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Zeroizing<Vec<u8>>,
}

impl HttpClient {
    pub(crate) fn new(config: &ProviderConfig) -> Result<Self, ConfigError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls(config)?);
        let connector = if config.issuer.is_https() {
            connector.https_only()
        } else {
            connector.https_or_http()
        };
        let connector = connector.enable_http1().enable_http2().build();
        // No connection is kept: the next request is minutes away, and one that the provider closed
        // in the meantime would fail a request that cannot be sent twice.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self {
            client,
            timeout: config.request_timeout(),
        })
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Reply, Trouble> {
        let request = Request::get(url.as_str()).body(Full::default());
        self.send(request, self.timeout).await
    }

    /// Posts a form (RFC 6749 appendix B), `within` this time or the configured one, whichever is less.
    pub(crate) async fn post(
        &self,
        url: &Url,
        form: Form,
        within: Option<time::Duration>,
    ) -> Result<Reply, Trouble> {
        let (body, authorization) = form.into_parts();
        let mut request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(body));
        if let (Ok(request), Some(value)) = (&mut request, authorization) {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let within = within.map_or(self.timeout, |within| within.min(self.timeout));
        self.send(request, within).await
    }

    async fn send(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
        within: time::Duration,
    ) -> Result<Reply, Trouble> {
        let mut request = request.map_err(|_| Trouble::Internal("a request could not be made"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("valetkey"));
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                Trouble::Unreachable(if error.is_connect() {
                    format!("no connection ({})", innermost(&error))
                } else {
                    "the connection broke".to_owned()
                })
            })?;
            let status = response.status();
            let body = collect(response.into_body()).await?;
            Ok::<_, Trouble>(Reply { status, body })
        };
        let reply = time::timeout(within, exchange).await.map_err(|_| {
            Trouble::Unreachable(format!("no answer within {} s", within.as_secs()))
        })??;
        if reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Trouble::Unreachable(format!(
                "it answered with status {}",
                reply.status.as_u16()
            )));
        }
        Ok(reply)
    }
}

impl Reply {
    /// The answer as JSON. What cannot be read is not quoted, for it may hold a token.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Trouble::Unreachable(format!(
                "its answer (status {}) cannot be read: not the expected json at line {}, column {}",
                self.status.as_u16(),
                error.line(),
                error.column()
            ))
        })
    }
}

async fn collect(body: Incoming) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let mut body = Limited::new(body, ANSWER_LIMIT);
    // Reserved at once: a buffer that grows leaves copies of what it held.
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Trouble::Unreachable(if error.is::<LengthLimitError>() {
                format!("its answer is longer than {ANSWER_LIMIT} bytes")
            } else {
                "the connection broke".to_owned()
            })
        })?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// The provider of rustls is named here, because the process default may not be installed.
fn tls(config: &ProviderConfig) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.to_string()))?;
    Ok(builder
        .with_root_certificates(roots(config)?)
        .with_no_client_auth())
}

/// A provider on this machine's loopback needs none, and a hundred certificates are not small.
fn roots(config: &ProviderConfig) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    if config.issuer.is_https() {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
    }
    if let Some(path) = &config.extra_ca {
        add_pem(&mut roots, path)?;
    }
    if config.issuer.is_https() && roots.is_empty() {
        return Err(ConfigError::NoRoots);
    }
    Ok(roots)
}

fn add_pem(roots: &mut RootCertStore, path: &Path) -> Result<(), ConfigError> {
    let bad =
        |why: &dyn std::fmt::Display| ConfigError::ExtraCa(format!("`{}`: {why}", path.display()));
    let pem = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
    let before = roots.len();
    for certificate in pem {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    if roots.len() == before {
        return Err(bad(&"it holds no certificate"));
    }
    Ok(())
}

/// The cause that says something: `connection refused` rather than `client error (Connect)`.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    valetkey_core::text::printable(&error.to_string().to_lowercase(), 200)
}
