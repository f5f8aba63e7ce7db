//! HTTP for whoever verifies the broker's own tokens, on the loopback interface: metadata (RFC 8414),
//! keys (RFC 7517) and health. Nothing here is secret and nothing changes anything.
//!
//! A browser on this machine may be made to ask by a page from anywhere, under a name that was
//! rebound to 127.0.0.1. So only the door's own names are answered, and no page may read the answer.

mod documents;
mod host;

use std::{io, sync::Arc};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use valetkey_codes::Code;
use valetkey_core::{Broker, Refusal, flow::source_refusal};

use self::host::Hosts;
use crate::{
    Limits,
    serve::{self, ACCEPT_REST, Answers, Ending},
    status::{self, Form, Reference},
};

/// How long a verifier may keep the documents, in seconds. A new key is published at once and signs
/// at once, so verifiers ask again for a `kid` they do not know.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Serves verifiers on `listener` until `shutdown`; then requests that run get [`Limits::drain`] to
/// finish. `issuer` is the `iss` of the broker's own tokens. Fails where the listener is not on the
/// loopback interface.
pub async fn serve_verifier(
    listener: TcpListener,
    broker: Broker,
    issuer: &str,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::other(
            "the verifier's door opens on the loopback interface only",
        ));
    }
    let calls = VerifierCalls(Arc::new(Desk {
        metadata: documents::metadata(issuer, &broker.settings.credentials)?,
        hosts: Hosts::of(address, issuer),
        broker,
    }));
    let stopping = CancellationToken::new();
    let ending = Ending::of(&stopping);
    let connections = Arc::new(TaskTracker::new());
    tokio::select! {
        biased;
        () = shutdown => {}
        () = accept(&listener, &calls, &limits, &ending, &connections) => {}
    }
    drop(listener);
    stopping.cancel();
    let (farewell, drain) = (limits.farewell, limits.drain);
    ending.see_out(&connections, farewell, drain).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    calls: &VerifierCalls,
    limits: &Limits,
    ending: &Ending,
    connections: &TaskTracker,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        // The semaphore is never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let stream: TcpStream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a verifier's connection was not accepted");
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        let (calls, limits, ending) = (calls.clone(), limits.clone(), ending.clone());
        connections.spawn(async move {
            serve::serve(stream, calls, &limits, &ending).await;
            drop(place);
        });
    }
}

struct Desk {
    broker: Broker,
    hosts: Hosts,
    metadata: Bytes,
}

#[derive(Clone)]
struct VerifierCalls(Arc<Desk>);

impl Answers for VerifierCalls {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if !self.0.hosts.mean(&request) {
            let refusal = Refusal::new(Code::InvalidRequest).saying("this is not that host");
            return status::http(&refusal, self.reference());
        }
        let path = request.uri().path();
        if !matches!(
            path,
            documents::METADATA | documents::KEYS | documents::HEALTH
        ) {
            return status::no_such_path(&request, self.reference());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return status::method_not_allowed(&Method::GET, self.reference());
        }
        match path {
            documents::METADATA => document("application/json", &KEPT, self.0.metadata.clone()),
            documents::KEYS => self.keys().await,
            _ => {
                let live = HeaderValue::from_static("no-store");
                document("text/plain", &live, Bytes::from_static(b"ok\n"))
            }
        }
    }

    fn reference(&self) -> Reference {
        Reference {
            request: self.0.broker.request_id(),
            session: None,
        }
    }
}

impl VerifierCalls {
    async fn keys(&self) -> Response<Body> {
        let public = self.0.broker.ports.keys.public().await;
        let set = public
            .map_err(|error| source_refusal(&error))
            .and_then(|public| {
                documents::keys(&public)
                    .map_err(|error| Refusal::new(Code::Internal).because(error.to_string()))
            });
        match set {
            Ok(set) => document("application/jwk-set+json", &KEPT, set),
            Err(refusal) => Form::Json.refuse(&refusal, self.reference()),
        }
    }
}

fn document(kind: &'static str, kept: &HeaderValue, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, kept.clone());
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
