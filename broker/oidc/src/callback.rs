//! The loopback redirect (RFC 8252 section 7.3): a listener that takes one answer and is gone.
//!
//! Whoever can reach the port can send it requests: other pages in the same browser, other users of
//! the machine. So only the request that carries this login's `state` counts; everything else is
//! answered and forgotten, and cannot end the login.

use std::{collections::HashMap, io, net::Ipv4Addr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet, time};
use url::form_urlencoded;
use valetkey_secret::same_bytes;
use zeroize::Zeroizing;

/// Longest request head, in bytes. Some providers' codes have two thousand.
const HEAD_LIMIT: usize = 16 * 1024;
/// How long one connection may take.
const CONNECTION_BOUND: Duration = Duration::from_secs(10);
/// Most connections at once; browsers open a few ahead of need.
const CONNECTIONS: usize = 16;

/// The path of the redirect.
const PATH: &str = "/callback";

pub(crate) struct Callback {
    listener: TcpListener,
    port: u16,
}

/// What the browser brought (RFC 6749 sections 4.1.2 and 4.1.2.1), and nothing of it believed yet.
pub(crate) struct BrowserAnswer {
    pub(crate) outcome: Outcome,
    /// RFC 9207.
    pub(crate) issuer: Option<String>,
}

pub(crate) enum Outcome {
    Code(Zeroizing<String>),
    Error {
        error: String,
        description: Option<String>,
    },
}

impl Callback {
    /// Listens on loopback, at this port or at a free one.
    pub(crate) async fn listen(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the answer to the request with this state. Cancel safe: dropping it closes the
    /// listener and every connection.
    pub(crate) async fn answer(self, state: &str) -> Option<BrowserAnswer> {
        let door = Arc::new(Door {
            state: state.to_owned(),
            host: format!("127.0.0.1:{}", self.port),
        });
        let (found, mut answers) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                // The page is sent before the answer is: the connection goes on by itself.
                answer = answers.recv() => {
                    connections.detach_all();
                    return answer;
                }
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => {
                    // An accept that fails (no file descriptors) is tried again when a connection ends.
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(serve(stream, Arc::clone(&door), found.clone()));
                    } else {
                        connections.join_next().await;
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn serve(stream: tokio::net::TcpStream, door: Arc<Door>, found: mpsc::Sender<BrowserAnswer>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (page, answer) = match door.read(request.method(), request.uri(), request.headers()) {
            Ok(answer) => (Page::Received, Some(answer)),
            Err(page) => (page, None),
        };
        let found = found.clone();
        async move {
            if let Some(answer) = answer {
                // Full means that this login was answered before; the first answer counts.
                drop(found.try_send(answer));
            }
            Ok::<_, std::convert::Infallible>(page.response())
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_BOUND)
        .max_buf_size(HEAD_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that fails or dawdles is the browser's business.
    drop(time::timeout(CONNECTION_BOUND, connection).await);
}

/// What a request must have.
struct Door {
    state: String,
    host: String,
}

impl Door {
    fn read(
        &self,
        method: &Method,
        uri: &hyper::Uri,
        headers: &hyper::HeaderMap,
    ) -> Result<BrowserAnswer, Page> {
        if uri.path() != PATH {
            return Err(Page::NotFound);
        }
        if method != Method::GET {
            return Err(Page::WrongMethod);
        }
        // A page of another origin that resolves its name to us still says its own name.
        let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
        if host != Some(self.host.as_bytes()) {
            return Err(Page::NotOurs);
        }
        let mut fields = fields(uri.query().unwrap_or_default()).ok_or(Page::NotOurs)?;
        let state = fields.remove("state").unwrap_or_default();
        if !same_bytes(state.as_bytes(), self.state.as_bytes()) {
            return Err(Page::NotOurs);
        }
        let outcome = match (fields.remove("error"), fields.remove("code")) {
            (Some(error), _) => Outcome::Error {
                error,
                description: fields.remove("error_description"),
            },
            (None, Some(code)) => Outcome::Code(Zeroizing::new(code)),
            (None, None) => return Err(Page::NotOurs),
        };
        Ok(BrowserAnswer {
            outcome,
            issuer: fields.remove("iss"),
        })
    }
}

/// The parameters, none of which may be there twice (RFC 6749 section 3.1).
fn fields(query: &str) -> Option<HashMap<String, String>> {
    let mut fields = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if fields
            .insert(name.into_owned(), value.into_owned())
            .is_some()
        {
            return None;
        }
    }
    Some(fields)
}

/// What the person reads. No word of it comes from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Received,
    NotOurs,
    NotFound,
    WrongMethod,
}

impl Page {
    fn response(self) -> Response<Full<Bytes>> {
        let (status, sentence) = match self {
            Self::Received => (
                StatusCode::OK,
                "Valetkey has the answer. You can close this window; your terminal tells the rest.",
            ),
            Self::NotOurs => (
                StatusCode::BAD_REQUEST,
                "This is not the answer that Valetkey waits for. Nothing was done with it.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing here."),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "There is nothing here."),
        };
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Valetkey</title>\n<p>{sentence}</p>\n</html>\n"
        );
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONNECTION, "close"),
        ];
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, Method, header};

    use super::{BrowserAnswer, Door, Outcome, Page};

    fn ask(method: &Method, host: &str, uri: &str) -> Result<BrowserAnswer, Page> {
        let door = Door {
            state: "s1".into(),
            host: "127.0.0.1:4711".into(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        door.read(method, &uri.parse().unwrap(), &headers)
    }

    fn get(uri: &str) -> Result<BrowserAnswer, Page> {
        ask(&Method::GET, "127.0.0.1:4711", uri)
    }

    #[test]
    fn a_code_with_our_state_is_an_answer() {
        let answer =
            get("/callback?code=a%20b&state=s1&iss=https%3A%2F%2Fid").unwrap_or_else(|_| panic!());
        assert!(matches!(answer.outcome, Outcome::Code(code) if *code == "a b"));
        assert_eq!(answer.issuer.as_deref(), Some("https://id"));
    }

    #[test]
    fn an_error_with_our_state_is_an_answer_even_beside_a_code() {
        let answer =
            get("/callback?code=a&error=access_denied&state=s1").unwrap_or_else(|_| panic!());
        assert!(matches!(answer.outcome, Outcome::Error { error, .. } if error == "access_denied"));
    }

    #[test]
    fn everything_else_is_not() {
        for (uri, page) in [
            ("/favicon.ico", Page::NotFound),
            ("/callback/?code=a&state=s1", Page::NotFound),
            ("/callback", Page::NotOurs),
            ("/callback?code=a", Page::NotOurs),
            ("/callback?code=a&state=s2", Page::NotOurs),
            ("/callback?code=a&state=", Page::NotOurs),
            ("/callback?state=s1", Page::NotOurs),
            ("/callback?code=a&code=b&state=s1", Page::NotOurs),
            ("/callback?code=a&state=s2&state=s1", Page::NotOurs),
        ] {
            assert_eq!(get(uri).err(), Some(page), "{uri}");
        }
        let good = "/callback?code=a&state=s1";
        let posted = ask(&Method::POST, "127.0.0.1:4711", good);
        assert_eq!(posted.err(), Some(Page::WrongMethod));
        let rebound = ask(&Method::GET, "evil.example.test:4711", good);
        assert_eq!(rebound.err(), Some(Page::NotOurs));
    }
}
