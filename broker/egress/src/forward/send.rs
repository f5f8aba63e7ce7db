//! Sends a request over a connection that may carry it.

use http::{HeaderValue, Method, Request, Response, Uri, Version, header, request::Parts, uri};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::{TrySendError, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{Origin, Scheme},
};

use crate::{
    body::Upload,
    connection::Guest,
    upstream::{Key, Leg, Line, Stream},
};

/// What one HTTP/2 stream, and one connection, may send before it is read.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Largest head of an answer, in bytes.
const HEAD: u32 = 256 * 1024;

/// An answer's head, and what its body comes over.
pub(super) struct Sent {
    pub response: Response<Incoming>,
    /// The connection, where it is this request's own.
    pub line: Option<(Line, Key)>,
}

/// Sends a request: over HTTP/2 where the client spoke that and the origin does, else over HTTP/1.1.
pub(super) async fn send(
    guest: &Guest,
    key: Key,
    mut parts: Parts,
    upload: Upload,
    upgrading: bool,
) -> Result<Sent, Refusal> {
    let h2 = parts.version == Version::HTTP_2 && key.origin.scheme == Scheme::Https;
    join_cookies(&mut parts);
    if h2 {
        return over_either(guest, key, parts, upload).await;
    }
    let line = match guest.epoch.pool.take(&key) {
        Some(line) => line,
        None => fresh(guest, &key.origin).await?,
    };
    over_h1(guest, key, line, parts, upload, upgrading).await
}

/// Says which host is meant, in the one spelling that was compared, before anything is signed.
pub(super) fn name(parts: &mut Parts, origin: &Origin) -> Result<(), Refusal> {
    let origin = origin.to_string();
    let host = HeaderValue::from_str(host_of(&origin)).map_err(|_| Refusal::new(Code::Internal))?;
    parts.headers.insert(header::HOST, host);
    Ok(())
}

fn host_of(origin: &str) -> &str {
    origin.split_once("://").map_or("", |(_, host)| host)
}

/// Records a refusal of an address, which only the proxy has seen, and gives it back.
pub(super) async fn recorded(guest: &Guest, origin: &Origin, refusal: Refusal) -> Refusal {
    if refusal.code() == Code::AddressRefused {
        guest.refused(&origin.to_string(), refusal).await
    } else {
        refusal
    }
}

async fn reach(
    guest: &Guest,
    origin: &Origin,
    h2: bool,
) -> Result<crate::upstream::Reached, Refusal> {
    match guest.room.way().reach(origin, h2).await {
        Ok(reached) => Ok(reached),
        Err(refusal) => Err(recorded(guest, origin, refusal).await),
    }
}

async fn fresh(guest: &Guest, origin: &Origin) -> Result<Line, Refusal> {
    let reached = reach(guest, origin, false).await?;
    Line::open(reached.leg).await.map_err(broken)
}

async fn over_h1(
    guest: &Guest,
    key: Key,
    mut line: Line,
    mut parts: Parts,
    upload: Upload,
    upgrading: bool,
) -> Result<Sent, Refusal> {
    parts.version = Version::HTTP_11;
    if upgrading {
        let headers = &mut parts.headers;
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    if upload.size_hint().exact().is_none() {
        // A body of unknown length is left out of a GET or a HEAD unless its coding is named.
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(header::TRANSFER_ENCODING, chunked);
    }
    let reused = line.used;
    let spare =
        (reused && upload.is_end_stream() && repeats(&parts.method)).then(|| head_of(&parts));
    let request = Request::from_parts(parts, upload);
    let mut failed = match line.send(request).await {
        Ok(response) => {
            return Ok(Sent {
                response,
                line: Some((line, key)),
            });
        }
        Err(failed) => failed,
    };
    // The origin has closed an idle connection at the very moment: once more, over a new one, where nothing
    // was sent or sending it twice does what sending it once does (RFC 9110 section 9.2.2).
    let again = failed.take_message().or(spare);
    let Some(request) = again.filter(|_| reused) else {
        return Err(broken(failed.into_error()));
    };
    let mut line = fresh(guest, &key.origin).await?;
    let response = line.send(request).await;
    let response = response.map_err(|failed| broken(failed.into_error()))?;
    Ok(Sent {
        response,
        line: Some((line, key)),
    })
}

/// For a client that spoke HTTP/2: over that where the origin does.
async fn over_either(
    guest: &Guest,
    key: Key,
    mut parts: Parts,
    mut upload: Upload,
) -> Result<Sent, Refusal> {
    if let Some(stream) = guest.epoch.pool.stream(&key) {
        let mut failed = match over_h2(stream, &key.origin, parts, upload).await {
            Ok(sent) => return Ok(sent),
            Err(failed) => failed,
        };
        // An origin that goes away says which requests it has not seen: those go over a new connection.
        let Some(unseen) = failed.take_message() else {
            return Err(broken(failed.into_error()));
        };
        (parts, upload) = unseen.into_parts();
        parts.uri = parts
            .uri
            .path_and_query()
            .cloned()
            .map(Uri::from)
            .unwrap_or_default();
        name(&mut parts, &key.origin)?;
    }
    if let Some(line) = guest.epoch.pool.take(&key) {
        return over_h1(guest, key, line, parts, upload, false).await;
    }
    let reached = reach(guest, &key.origin, true).await?;
    if reached.h2 {
        let stream = share(guest, key.clone(), reached.leg).await?;
        let sent = over_h2(stream, &key.origin, parts, upload).await;
        return sent.map_err(|failed| broken(failed.into_error()));
    }
    let line = Line::open(reached.leg).await.map_err(broken)?;
    over_h1(guest, key, line, parts, upload, false).await
}

async fn over_h2(
    mut stream: Stream,
    origin: &Origin,
    mut parts: Parts,
    upload: Upload,
) -> Result<Sent, TrySendError<Request<Upload>>> {
    parts.headers.remove(header::HOST);
    let origin = origin.to_string();
    let mut target = uri::Parts::default();
    target.scheme = Some(uri::Scheme::HTTPS);
    target.authority = host_of(&origin).parse().ok();
    target.path_and_query = parts.uri.path_and_query().cloned();
    // An origin that was parsed is one of a URI as well; without it the request would fail below.
    parts.uri = Uri::from_parts(target).unwrap_or_default();
    let request = Request::from_parts(parts, upload);
    let response = stream.try_send_request(request).await?;
    Ok(Sent {
        response,
        line: None,
    })
}

/// Begins to speak HTTP/2 on `leg`, for this request and for others like it.
async fn share(guest: &Guest, key: Key, leg: Leg) -> Result<Stream, Refusal> {
    let streams = guest.epoch.streams();
    let (stream, connection) = http2::Builder::new(streams.clone())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEAD)
        .handshake(TokioIo::new(leg))
        .await
        .map_err(broken)?;
    // It ends when nobody can send over it any more, or with the epoch.
    streams.spawn(connection);
    guest.epoch.pool.share(key, stream.clone());
    Ok(stream)
}

/// HTTP/2 may split cookies, and HTTP/1.1 may not (RFC 9113 section 8.2.3).
fn join_cookies(parts: &mut Parts) {
    if parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .nth(1)
        .is_none()
    {
        return;
    }
    let mut joined = Vec::new();
    for cookie in parts.headers.get_all(header::COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(cookie.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        parts.headers.insert(header::COOKIE, joined);
    }
}

fn repeats(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
    )
}

fn head_of(parts: &Parts) -> Request<Upload> {
    let mut request = Request::new(Upload::Empty);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    request
}

fn broken(error: hyper::Error) -> Refusal {
    Refusal::new(Code::HostUnreachable)
        .saying("the host's answer did not arrive")
        .because(error.to_string())
}
