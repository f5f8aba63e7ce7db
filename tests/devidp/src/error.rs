//! The OAuth errors this provider answers with.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of RFC 6749 section 5.2 or RFC 8628 section 3.5. The text says why, for whoever reads a
/// failing test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OauthError {
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidGrant(&'static str),
    InvalidScope,
    UnsupportedGrantType,
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
    InvalidToken,
    ServerError,
}

impl OauthError {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Self::InvalidRequest(why) => (BAD, "invalid_request", why),
            Self::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client", "no such client"),
            Self::InvalidGrant(why) => (BAD, "invalid_grant", why),
            Self::InvalidScope => (BAD, "invalid_scope", "more than was granted"),
            Self::UnsupportedGrantType => {
                (BAD, "unsupported_grant_type", "no such grant type here")
            }
            Self::AuthorizationPending => (
                BAD,
                "authorization_pending",
                "the user has not answered yet",
            ),
            Self::SlowDown => (BAD, "slow_down", "polled before the interval was over"),
            Self::AccessDenied => (BAD, "access_denied", "the user said no"),
            Self::ExpiredToken => (BAD, "expired_token", "the device code is too old"),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "no such access token, or not any more",
            ),
            Self::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "no randomness or no key",
            ),
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (status, error, why) = self.parts();
        (
            status,
            Json(json!({ "error": error, "error_description": why })),
        )
            .into_response()
    }
}

impl From<ring::error::Unspecified> for OauthError {
    fn from(_: ring::error::Unspecified) -> Self {
        Self::ServerError
    }
}
