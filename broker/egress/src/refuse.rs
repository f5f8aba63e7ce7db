//! A refusal as an HTTP answer.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;
use serde::Serialize;
use valetkey_codes::Retry;
use valetkey_core::{ApprovalId, Refusal};

use crate::body::Reply;

/// The header that programs compare.
pub(crate) const CODE: HeaderName = HeaderName::from_static("valetkey-code");

#[derive(Serialize)]
struct JsonError<'a> {
    error: &'a str,
    message: &'a str,
    next_step: &'a str,
    retry: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalId>,
}

/// What whoever asked reads: code, sentence and next step, never the detail.
pub(crate) fn answer(refusal: &Refusal) -> Response<Reply> {
    let row = refusal.code().row();
    let error = JsonError {
        error: row.id,
        message: refusal.message(),
        next_step: row.next_step,
        retry: row.retry.id(),
        approval: refusal.approval(),
    };
    let body = serde_json::to_vec(&error).unwrap_or_default();
    let mut response = Response::new(Reply::own(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CODE, HeaderValue::from_static(row.id));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if row.retry == Retry::Backoff {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
