//! What a client does with what it got: ask about the user, give a token back, log out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::now;
use crate::error::OauthError;
use crate::fault::Fault;
use crate::id_token;
use crate::page;
use crate::provider::Provider;

/// `GET /userinfo` with a bearer token (OpenID Connect Core section 5.3).
pub(crate) async fn userinfo(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
) -> Result<Json<Value>, OauthError> {
    provider.count(|counters| counters.userinfo += 1);
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(OauthError::InvalidToken)?;
    let state = provider.state();
    let (grant, scope) = state
        .books
        .access(token, now())
        .ok_or(OauthError::InvalidToken)?;
    let mut grant = grant.clone();
    grant.scope = scope.clone();
    let mut claims = id_token::personal(&provider.config, &grant);
    claims.insert("sub".to_owned(), json!(grant.user));
    Ok(Json(Value::Object(claims)))
}

/// The parameters of a revocation.
#[derive(Deserialize)]
pub(crate) struct Revocation {
    client_id: Option<String>,
    token: Option<String>,
}

/// `POST /revoke` (RFC 7009). 200 whether or not there was such a token.
pub(crate) async fn revoke(
    State(provider): State<Arc<Provider>>,
    Form(params): Form<Revocation>,
) -> Result<StatusCode, OauthError> {
    provider.count(|counters| counters.revocation += 1);
    if provider.has_fault(Fault::RevocationUnavailable) {
        return Ok(StatusCode::SERVICE_UNAVAILABLE);
    }
    let client = params
        .client_id
        .filter(|id| provider.is_client(id))
        .ok_or(OauthError::InvalidClient)?;
    let token = params
        .token
        .ok_or(OauthError::InvalidRequest("`token` is missing"))?;
    provider.state().books.revoke(&client, &token);
    Ok(StatusCode::OK)
}

/// The parameters of a logout.
#[derive(Deserialize)]
pub(crate) struct Logout {
    client_id: Option<String>,
}

/// `GET /end_session`. There is no browser session to end, for nobody stays logged in here; and it
/// redirects nowhere, for no client has registered a place to go.
pub(crate) async fn end_session(
    State(provider): State<Arc<Provider>>,
    Query(params): Query<Logout>,
) -> Response {
    provider.count(|counters| counters.end_session += 1);
    if params.client_id.is_some_and(|id| !provider.is_client(&id)) {
        return OauthError::InvalidClient.into_response();
    }
    page::sentence("you are logged out").into_response()
}
