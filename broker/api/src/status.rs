//! The one place where a refusal becomes words: a gRPC status, an HTTP answer or an OAuth error.
//!
//! Whoever asked reads the code, one sentence, the next step and the request's id. The refusal's
//! detail goes to the log, at the level that the table names, with the same id.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Serialize;
use tonic::{
    Status,
    body::Body,
    metadata::{MetadataMap, MetadataValue},
};
use valetkey_codes::{Code, Level, Retry, Row};
use valetkey_core::{ApprovalId, Refusal, RequestId, SessionId, text::printable};
use valetkey_wire::metadata;

use crate::reply;

/// How long to wait before asking again, in seconds, where that alone can help.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Which request was refused, for whoever asked and for the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// Its id.
    pub request: RequestId,
    /// The session whose socket it came through.
    pub session: Option<SessionId>,
}

/// How whoever asked wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A gRPC status in trailers.
    Grpc,
    /// HTTP with a JSON body of our own.
    Json,
    /// The error response of RFC 6749 section 5.2.
    OAuth,
}

/// The path of the token endpoint.
pub(crate) const TOKEN_ENDPOINT: &str = "/oauth2/token";

impl Form {
    /// The form of the answer to `request`.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            Self::Grpc
        } else if request.uri().path() == TOKEN_ENDPOINT {
            Self::OAuth
        } else {
            Self::Json
        }
    }

    /// The refusal in this form.
    pub(crate) fn refuse(self, refusal: &Refusal, reference: Reference) -> Response<Body> {
        match self {
            Self::Grpc => grpc(refusal, reference).into_http(),
            Self::Json => http(refusal, reference),
            Self::OAuth => oauth(refusal, reference),
        }
    }
}

/// The refusal as a gRPC status.
pub(crate) fn grpc(refusal: &Refusal, reference: Reference) -> Status {
    log(refusal, reference);
    let row = refusal.code().row();
    let code = tonic::Code::from_i32(row.grpc as i32);
    Status::with_metadata(code, refusal.message(), signposts(refusal, reference))
}

/// The refusal as an HTTP answer.
pub(crate) fn http(refusal: &Refusal, reference: Reference) -> Response<Body> {
    log(refusal, reference);
    let row = refusal.code().row();
    let status = StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, refusal, reference)
}

/// The refusal as the error response of RFC 6749 section 5.2, with RFC 8693 section 2.2.2.
pub(crate) fn oauth(refusal: &Refusal, reference: Reference) -> Response<Body> {
    oauth_error(refusal, refusal.code().row().oauth, reference)
}

/// The answer to a `grant_type` other than token exchange: OAuth has a name of its own for it.
pub(crate) fn oauth_grant_type(reference: Reference) -> Response<Body> {
    let refusal = Refusal::new(Code::InvalidRequest)
        .saying("`grant_type` is `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693)");
    oauth_error(&refusal, "unsupported_grant_type", reference)
}

/// The answer to a path that is not here.
pub(crate) fn no_such_path<B>(request: &Request<B>, reference: Reference) -> Response<Body> {
    let path = printable(request.uri().path(), 100);
    let refusal =
        Refusal::new(Code::InvalidRequest).saying(format!("there is no `{path}` at this door"));
    log(&refusal, reference);
    json(StatusCode::NOT_FOUND, &refusal, reference)
}

/// The answer to a method that the path does not have.
pub(crate) fn method_not_allowed(allowed: &Method, reference: Reference) -> Response<Body> {
    let refusal =
        Refusal::new(Code::InvalidRequest).saying(format!("this path answers `{allowed}` only"));
    log(&refusal, reference);
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &refusal, reference);
    if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Gives a code and a next step to what the gRPC library refused by itself, such as a message that is
/// too large, is not protobuf, or names a method that is not here.
pub(crate) fn dress(
    response: Response<Body>,
    reference: impl FnOnce() -> Reference,
) -> Response<Body> {
    let Some(status) = response.extensions().get::<Status>() else {
        return response;
    };
    let ours = status.metadata().contains_key(metadata::CODE);
    if ours || status.code() == tonic::Code::Ok {
        return response;
    }
    let refusal = match status.code() {
        tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => {
            Refusal::new(Code::RequestTooLarge)
        }
        // What does not decode.
        tonic::Code::Internal | tonic::Code::InvalidArgument => Refusal::new(Code::InvalidRequest),
        tonic::Code::Unimplemented => {
            Refusal::new(Code::InvalidRequest).saying("there is no such method at this door")
        }
        // An answer, such as that the health of a service is not known here.
        _ => return response,
    };
    let reference = reference();
    let refusal = refusal.because(status.message());
    if status.code() == tonic::Code::Unimplemented {
        // Clients tell an older broker by this very number.
        log(&refusal, reference);
        let signs = signposts(&refusal, reference);
        return Status::with_metadata(tonic::Code::Unimplemented, refusal.message(), signs)
            .into_http();
    }
    grpc(&refusal, reference).into_http()
}

fn signposts(refusal: &Refusal, reference: Reference) -> MetadataMap {
    let row = refusal.code().row();
    let mut signs = MetadataMap::with_capacity(4);
    let request = reference.request.to_string();
    let approval = refusal.approval().map(|approval| approval.to_string());
    for (key, value) in [
        (metadata::CODE, Some(row.id)),
        (metadata::NEXT_STEP, Some(refusal.next_step())),
        (metadata::REQUEST, Some(request.as_str())),
        (metadata::APPROVAL, approval.as_deref()),
    ] {
        if let Some(Ok(value)) = value.map(MetadataValue::try_from) {
            signs.insert(key, value);
        }
    }
    signs
}

#[derive(Serialize)]
struct JsonError<'a> {
    error: &'a str,
    message: &'a str,
    next_step: &'a str,
    retry: &'a str,
    request: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalId>,
}

fn json(status: StatusCode, refusal: &Refusal, reference: Reference) -> Response<Body> {
    let row = refusal.code().row();
    let error = JsonError {
        error: row.id,
        message: refusal.message(),
        next_step: refusal.next_step(),
        retry: row.retry.id(),
        request: reference.request,
        approval: refusal.approval(),
    };
    hint(row, reply::json(status, &error))
}

#[derive(Serialize)]
struct OAuthError<'a> {
    error: &'a str,
    error_description: String,
    code: &'a str,
    next_step: &'a str,
    request: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalId>,
}

fn oauth_error(refusal: &Refusal, error: &str, reference: Reference) -> Response<Body> {
    log(refusal, reference);
    let row = refusal.code().row();
    let body = OAuthError {
        error,
        error_description: describable(refusal.message()),
        code: row.id,
        next_step: refusal.next_step(),
        request: reference.request,
        approval: refusal.approval(),
    };
    hint(row, reply::json(oauth_status(row), &body))
}

/// RFC 6749 section 5.2 answers 400 to whatever the client could have done better.
fn oauth_status(row: &Row) -> StatusCode {
    match row.http {
        413 | 429 | 500.. => {
            StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// RFC 6749 section 5.2 allows `%x20-21 / %x23-5B / %x5D-7E` in a description.
fn describable(text: &str) -> String {
    let fit = |c| match c {
        '"' => '\'',
        ' '..='[' | ']'..='~' => c,
        _ => '?',
    };
    text.chars().map(fit).collect()
}

/// Not for a request that waits for an approval: nobody knows when a person answers. A client that
/// polls keeps to the 5 seconds of RFC 8628 section 3.5; one that waits says `wait_seconds`.
fn hint(row: &Row, mut response: Response<Body>) -> Response<Body> {
    if row.retry == Retry::Backoff {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

fn log(refusal: &Refusal, reference: Reference) {
    if refusal.code() == Code::TooManyRequests {
        // As many lines as an agent likes; its door says it once.
        return;
    }
    let row = refusal.code().row();
    let session = reference.session.map(tracing::field::display);
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                code = row.id,
                request = %reference.request,
                session,
                detail = refusal.detail(),
                "refused: {}",
                refusal.message()
            )
        };
    }
    match row.level {
        Level::Error => say!(error),
        Level::Warn => say!(warn),
        Level::Info => say!(info),
    }
}

#[cfg(test)]
mod tests;
