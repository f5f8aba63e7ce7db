//! The list of endpoints, and discovery, which is the same list for clients.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::fault::Fault;
use crate::provider::Provider;
use crate::{account, authorize, control, device, scope, token};

pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks.json", get(jwks))
        .route("/authorize", get(authorize::authorize))
        .route("/login", post(authorize::login))
        .route("/token", post(token::token))
        .route("/device/authorize", post(device::start))
        .route("/device", get(device::page))
        .route("/device/approve", post(device::approve))
        .route("/userinfo", get(account::userinfo))
        .route("/revoke", post(account::revoke))
        .route("/end_session", get(account::end_session))
        .route("/_control", get(control::read).post(control::write))
        .with_state(provider)
}

/// OpenID Connect Discovery 1.0 section 4.
async fn discovery(State(provider): State<Arc<Provider>>) -> Response {
    provider.count(|counters| counters.discovery += 1);
    if provider.has_fault(Fault::DiscoveryUnavailable) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if provider.has_fault(Fault::DiscoveryHangs) {
        std::future::pending::<()>().await;
    }
    let at = |path| format!("{}{path}", provider.issuer);
    let lie = provider.has_fault(Fault::WrongDiscoveryIssuer);
    Json(json!({
        "issuer": if lie { "http://127.0.0.1:1" } else { &provider.issuer },
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks.json"),
        "userinfo_endpoint": at("/userinfo"),
        "revocation_endpoint": at("/revoke"),
        "device_authorization_endpoint": at("/device/authorize"),
        "end_session_endpoint": at("/end_session"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", token::DEVICE_CODE],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.config.alg.name()],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scope::SUPPORTED,
        "claims_supported": ["sub", "iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "email",
                             "email_verified", "preferred_username", "groups"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Response {
    provider.count(|counters| counters.jwks += 1);
    if provider.has_fault(Fault::JwksUnavailable) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(provider.state().keys.jwks()).into_response()
}
