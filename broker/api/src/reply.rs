//! Answers in JSON.

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use tonic::body::Body;

/// `value` as JSON that nobody keeps: RFC 6749 section 5.1 asks it of tokens, and what a session may
/// do changes from one moment to the next.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(body) => uncached(status, body),
        // Only maps with keys that are not strings fail, and there are none.
        Err(_) => uncached(StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    }
}

/// That it is done, and nothing more (RFC 9110 section 15.3.5).
pub(crate) fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn uncached(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
