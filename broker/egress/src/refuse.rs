//! A refusal as an HTTP answer.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;
use serde::Serialize;
use valetkey_codes::{Code, Exit, Retry};
use valetkey_core::{ApprovalId, Refusal, RequestId};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestId>,
}

/// What whoever asked reads: code, sentence and next step, never the detail.
pub(crate) fn answer(refusal: &Refusal) -> Response<Reply> {
    let row = refusal.code().row();
    let error = JsonError {
        error: row.id,
        message: refusal.message(),
        next_step: next_step(refusal),
        retry: row.retry.id(),
        approval: refusal.approval(),
        request: refusal.request(),
    };
    let body = serde_json::to_vec(&error).unwrap_or_default();
    let mut response = Response::new(Reply::own(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(status(refusal.code())).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
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

/// That of the code; but where a keyring is the trouble, no client is to take it for the host's own word.
const fn status(code: Code) -> u16 {
    match code.row().exit {
        Exit::Login => 503,
        _ => code.row().http,
    }
}

/// An HTTP client has no flags to wait with.
fn next_step(refusal: &Refusal) -> &str {
    match refusal.code() {
        Code::ApprovalPending => {
            "the developer answers with `valetkey approvals`; send the same request again afterwards"
        }
        _ => refusal.next_step(),
    }
}
