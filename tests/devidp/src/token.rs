//! The token endpoint: code, refresh token, device code.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::books::GrantId;
use crate::clock::now;
use crate::error::OauthError;
use crate::fault::Fault;
use crate::id_token::{self, About};
use crate::provider::{Provider, State as Inner};
use crate::scope::Scope;

/// The name of RFC 8628's grant type.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The parameters as they arrive.
#[derive(Deserialize)]
pub(crate) struct Params {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    scope: Option<String>,
    device_code: Option<String>,
}

/// `POST /token`.
pub(crate) async fn token(
    State(provider): State<Arc<Provider>>,
    Form(params): Form<Params>,
) -> Response {
    provider.count(|counters| {
        counters.token += 1;
        counters.refresh += u64::from(params.grant_type.as_deref() == Some("refresh_token"));
        counters.device_poll += u64::from(params.grant_type.as_deref() == Some(DEVICE_CODE));
    });
    if provider.has_fault(Fault::TokenServerError) {
        return OauthError::ServerError.into_response();
    }
    if provider.has_fault(Fault::TokenInvalidGrant) {
        return OauthError::InvalidGrant("because a test wants it so").into_response();
    }
    if provider.has_fault(Fault::TokenHangs) {
        std::future::pending::<()>().await;
    }
    if provider.has_fault(Fault::TokenGarbage) {
        let garbage: &[u8] = b"{\"access_token\": \xff\xfe\x00";
        return (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/json")],
            garbage,
        )
            .into_response();
    }
    match exchange(&provider, &params) {
        // RFC 6749 section 5.1
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) => error.into_response(),
    }
}

fn exchange(provider: &Provider, params: &Params) -> Result<Value, OauthError> {
    let client = params
        .client_id
        .as_deref()
        .filter(|id| provider.is_client(id))
        .ok_or(OauthError::InvalidClient)?;
    let now = now();
    let state = &mut *provider.state();
    let issue = Issue { provider, now };
    match params.grant_type.as_deref() {
        Some("authorization_code") => {
            let code = required(&params.code, "`code` is missing")?;
            let redirect = required(&params.redirect_uri, "`redirect_uri` is missing")?;
            let verifier = required(&params.code_verifier, "`code_verifier` is missing")?;
            let grant = state
                .books
                .redeem_code(client, code, redirect, verifier, now)?;
            issue.first(state, grant)
        }
        Some("refresh_token") => {
            let token = required(&params.refresh_token, "`refresh_token` is missing")?;
            issue.again(state, client, token, params.scope.as_deref())
        }
        Some(DEVICE_CODE) => {
            let code = required(&params.device_code, "`device_code` is missing")?;
            let grant = state
                .devices
                .poll(client, code, provider.config.device_interval)?;
            let grant = state.books.open(grant);
            issue.first(state, grant)
        }
        _ => Err(OauthError::UnsupportedGrantType),
    }
}

fn required<'a>(value: &'a Option<String>, missing: &'static str) -> Result<&'a str, OauthError> {
    value.as_deref().ok_or(OauthError::InvalidRequest(missing))
}

struct Issue<'a> {
    provider: &'a Provider,
    now: u64,
}

impl Issue<'_> {
    /// The tokens of a new login.
    fn first(&self, state: &mut Inner, id: GrantId) -> Result<Value, OauthError> {
        let scope = scope_of(state, id)?;
        // OpenID Connect Core section 11: a refresh token is for those who ask for offline access.
        let refresh =
            if scope.has("offline_access") && !state.faults.contains(&Fault::NoRefreshToken) {
                Some(state.books.issue_refresh(id)?)
            } else {
                None
            };
        self.tokens(state, id, scope, refresh, false)
    }

    /// The tokens of a refresh. The old refresh token is spent last, so that a request which is refused
    /// for its scope costs nothing.
    fn again(
        &self,
        state: &mut Inner,
        client: &str,
        token: &str,
        asked: Option<&str>,
    ) -> Result<Value, OauthError> {
        let id = state.books.check_refresh(client, token)?;
        let scope = scope_of(state, id)?
            .narrow(asked)
            .ok_or(OauthError::InvalidScope)?;
        let refresh = if state.faults.contains(&Fault::NoRefreshToken) {
            None
        } else {
            Some(state.books.rotate(token, id)?)
        };
        self.tokens(state, id, scope, refresh, true)
    }

    fn tokens(
        &self,
        state: &mut Inner,
        id: GrantId,
        scope: Scope,
        refresh: Option<String>,
        refreshed: bool,
    ) -> Result<Value, OauthError> {
        let lifetime = state.access_token_lifetime;
        let access_token = state
            .books
            .issue_access(id, scope.clone(), self.now + lifetime)?;
        let grant = state
            .books
            .grant(id)
            .ok_or(OauthError::InvalidGrant("the login was revoked"))?;
        let id_token = id_token::issue(
            state,
            &About {
                issuer: &self.provider.issuer,
                config: &self.provider.config,
                grant,
                access_token: &access_token,
                now: self.now,
                refreshed,
            },
        )?;
        let lie = |fault| state.faults.contains(&fault);
        let without_id_token =
            lie(Fault::NoIdToken) || (refreshed && lie(Fault::NoIdTokenOnRefresh));
        let mut tokens = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": scope.to_string(),
        });
        if let Some(map) = tokens.as_object_mut() {
            if !without_id_token && scope.has("openid") {
                map.insert("id_token".to_owned(), json!(id_token));
            }
            map.extend(refresh.map(|token| ("refresh_token".to_owned(), json!(token))));
            if lie(Fault::TokenHuge) {
                map.insert("padding".to_owned(), json!("x".repeat(10 << 20)));
            }
        }
        Ok(tokens)
    }
}

fn scope_of(state: &Inner, id: GrantId) -> Result<Scope, OauthError> {
    let grant = state
        .books
        .grant(id)
        .ok_or(OauthError::InvalidGrant("the login was revoked"))?;
    Ok(grant.scope.clone())
}
