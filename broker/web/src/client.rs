//! One request, one answer.

use std::{error::Error, path::Path, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Uri,
    body::Bytes,
    header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time;
use url::Url;

use crate::{
    Address, Outgoing, Reply, is_plain_loopback,
    trust::{self, TrustError},
};

/// Why there is no answer. None of these quotes one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection: why, in the system's or in TLS's lower-case words, which may hold control
    /// characters of the other side's choice.
    #[error("no connection ({0})")]
    NoConnection(String),
    /// The connection ended, or what came over it is not HTTP.
    #[error("the connection broke")]
    Broken,
    /// The whole answer was not there in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Slow(Duration),
    /// The answer has more than so many bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
    /// Nothing was sent: the address is not one that may be spoken to.
    #[error("a request could not be made")]
    Unsendable,
}

/// How far a client reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// https anywhere, by the system's certificates and the extra ones.
    Secure,
    /// Also plain http on this machine's loopback; https by the extra certificates alone.
    Loopback,
}

impl Reach {
    /// As far as this address needs.
    pub fn of(address: &Address) -> Self {
        if is_plain_loopback(address.url()) {
            Self::Loopback
        } else {
            Self::Secure
        }
    }
}

/// A client for one server, or for a few that belong together. It keeps no connection: the next
/// request is usually minutes away, and one that the server closed in the meantime would fail a
/// request that cannot be sent twice.
pub struct WebClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    reach: Reach,
    answer_limit: usize,
}

impl WebClient {
    /// A client that reads at most `answer_limit` bytes of an answer's body. `extra_ca` is a PEM file
    /// with certificates to trust beside the system's.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn new(
        reach: Reach,
        extra_ca: Option<&Path>,
        answer_limit: usize,
    ) -> Result<Self, TrustError> {
        let tls = trust::tls(reach == Reach::Secure, extra_ca)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = match reach {
            Reach::Secure => connector.https_only(),
            Reach::Loopback => connector.https_or_http(),
        };
        let connector = connector.enable_http1().enable_http2().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self {
            client,
            reach,
            answer_limit,
        })
    }

    /// Asks with GET. `within` bounds everything, from the name's resolution to the answer's last byte.
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    /// [`Failure`]; every status is an answer.
    pub async fn get(&self, url: &Url, within: Duration) -> Result<Reply, Failure> {
        self.send(Method::GET, url, HeaderMap::new(), Bytes::new(), within)
            .await
    }

    /// Asks with POST; else like [`get`](Self::get).
    ///
    /// # Errors
    /// [`Failure`]; every status is an answer.
    pub async fn post(
        &self,
        url: &Url,
        outgoing: Outgoing,
        within: Duration,
    ) -> Result<Reply, Failure> {
        let (headers, body) = outgoing.into_parts();
        self.send(Method::POST, url, headers, body, within).await
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Bytes,
        within: Duration,
    ) -> Result<Reply, Failure> {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("valetkey"));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.admitted(url)?;
        *request.headers_mut() = headers;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                if error.is_connect() {
                    Failure::NoConnection(innermost(&error))
                } else {
                    Failure::Broken
                }
            })?;
            Reply::collect(response, self.answer_limit).await
        };
        let reply = time::timeout(within, exchange).await;
        reply.unwrap_or(Err(Failure::Slow(within)))
    }

    fn admitted(&self, url: &Url) -> Result<Uri, Failure> {
        let plain = self.reach == Reach::Loopback && is_plain_loopback(url);
        if url.scheme() != "https" && !plain {
            return Err(Failure::Unsendable);
        }
        url.as_str().parse().map_err(|_| Failure::Unsendable)
    }
}

/// The cause that says something: `connection refused` rather than `client error (Connect)`.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().to_lowercase()
}
