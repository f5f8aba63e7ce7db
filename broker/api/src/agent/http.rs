//! The same requests as HTTP with JSON, for `curl` and every language:
//! `POST /v1/token`, `GET /v1/session`, `GET /v1/grants`, `DELETE /v1/approvals/ID`, and
//! `POST /oauth2/token` (RFC 8693).

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use tonic::body::Body;
use valetkey_codes::Code;
use valetkey_core::{Delivery, ProfileName, Refusal, Tier, request::Released};
use valetkey_secret::Destination;

use super::{
    ask,
    desk::{Desk, Refused},
    exchange, wait,
};
use crate::{
    reply,
    serve::{self, Allowance},
    status::{self, Form, TOKEN_ENDPOINT},
};

/// Path of the questions of this session; an id follows.
const APPROVALS: &str = "/v1/approvals/";

/// Answers one HTTP request.
pub(super) async fn answer(desk: &Desk, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    if let Some(approval) = path.strip_prefix(APPROVALS) {
        return withdraw(desk, request.method(), approval).await;
    }
    let (allowed, form) = match path {
        "/v1/token" => (Method::POST, Form::Json),
        TOKEN_ENDPOINT => (Method::POST, Form::OAuth),
        "/v1/session" | "/v1/grants" => (Method::GET, Form::Json),
        _ => return status::no_such_path(&request, desk.reference()),
    };
    if *request.method() != allowed {
        return status::method_not_allowed(&allowed, desk.reference());
    }
    let answered = match path {
        "/v1/session" => session(desk),
        "/v1/grants" => grants(desk),
        TOKEN_ENDPOINT => return exchange::answer(desk, request).await,
        _ => token(desk, request).await,
    };
    answered.unwrap_or_else(|(refusal, reference)| form.refuse(&refusal, reference))
}

async fn withdraw(desk: &Desk, method: &Method, approval: &str) -> Response<Body> {
    if *method != Method::DELETE {
        return status::method_not_allowed(&Method::DELETE, desk.reference());
    }
    match desk.withdraw(approval).await {
        Ok(()) => reply::nothing(),
        Err((refusal, reference)) => status::http(&refusal, reference),
    }
}

async fn token(desk: &Desk, request: Request<Incoming>) -> Result<Response<Body>, Refused> {
    let limit = desk.door.house.limits.body;
    let allowance = Allowance::of(request.extensions());
    let body = serve::read(request, limit).await;
    let asked = body.and_then(|body| ask::parse(&body));
    let (ask, wait) = asked.map_err(|refusal| (refusal, desk.reference()))?;
    let released = wait::token(desk, ask, wait, &allowance).await?;
    let reply = disclosed(&released, |access_token| {
        let lease = released.lease();
        let token = Token {
            access_token,
            token_type: "Bearer",
            expires_in: lease.expires.saturating_sub(desk.now_seconds()),
            expires_at: lease.expires,
            scopes: lease.grant.scopes.iter().collect(),
            audience: lease.grant.audience.as_str(),
            lease_id: lease.id.to_string(),
        };
        reply::json(StatusCode::OK, &token)
    });
    reply.map_err(|refusal| (refusal, desk.reference()))
}

/// Lends the token's text to `reply`, which writes it into the answer.
pub(super) fn disclosed(
    released: &Released,
    reply: impl FnOnce(&str) -> Response<Body>,
) -> Result<Response<Body>, Refusal> {
    released
        .token()
        .disclose(Destination::AgentReply, |bytes| {
            std::str::from_utf8(bytes).map(reply)
        })
        .map_err(|_| Refusal::new(Code::Internal).because("the token is not text"))
}

fn session(desk: &Desk) -> Result<Response<Body>, Refused> {
    let session = desk.session()?;
    let view = Session {
        id: session.id.to_string(),
        agent: session.agent.as_str(),
        state: session.state.id(),
        expires_at: session.deadline.unix_ms / 1000,
        profile: session.profile.as_ref().map(ProfileName::as_str),
    };
    Ok(reply::json(StatusCode::OK, &view))
}

fn grants(desk: &Desk) -> Result<Response<Body>, Refused> {
    let offers = desk.offers()?;
    let grants = offers.iter().map(|offer| Grant {
        credential: offer.credential.name.as_str(),
        scopes: offer.at(Tier::Auto),
        reviewed_scopes: offer.at(Tier::Review),
        approved_scopes: offer.at(Tier::Human),
        audiences: offer
            .credential
            .audiences
            .iter()
            .map(valetkey_core::Audience::as_str)
            .collect(),
        max_lifetime_seconds: offer.credential.max_lifetime,
        injected: matches!(offer.credential.delivery, Delivery::Inject(_)),
    });
    let view = Grants {
        grants: grants.collect(),
    };
    Ok(reply::json(StatusCode::OK, &view))
}

#[derive(Serialize)]
struct Token<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    expires_at: u64,
    scopes: Vec<&'a str>,
    audience: &'a str,
    lease_id: String,
}

#[derive(Serialize)]
struct Session<'a> {
    id: String,
    agent: &'a str,
    state: &'a str,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

#[derive(Serialize)]
struct Grants<'a> {
    grants: Vec<Grant<'a>>,
}

#[derive(Serialize)]
struct Grant<'a> {
    credential: &'a str,
    scopes: Vec<String>,
    reviewed_scopes: Vec<String>,
    approved_scopes: Vec<String>,
    audiences: Vec<&'a str>,
    max_lifetime_seconds: u64,
    injected: bool,
}
