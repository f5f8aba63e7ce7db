//! The authorization endpoint: code flow with PKCE, loopback redirects only.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::{Host, Url};

use crate::books::Grant;
use crate::clock::now;
use crate::error::OauthError;
use crate::fault::Fault;
use crate::page;
use crate::provider::Provider;
use crate::random;
use crate::scope::Scope;

/// Requests whose login page is open in somebody's browser, by their unguessable names.
pub(crate) type Logins = HashMap<String, Request>;

/// The parameters as they arrive.
#[derive(Deserialize)]
pub(crate) struct Params {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    login_hint: Option<String>,
    prompt: Option<String>,
}

/// A request that is in order, whoever the user may turn out to be.
pub(crate) struct Request {
    client: String,
    reply: Reply,
    scope: Scope,
    nonce: Option<String>,
    challenge: String,
}

/// Where the answer goes.
#[derive(Clone)]
struct Reply {
    redirect: Url,
    state: Option<String>,
}

/// `GET /authorize`. A `login_hint` that names a user is taken for that user's answer, so that
/// `curl -L` makes a browser; otherwise there is a page.
pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    Query(params): Query<Params>,
) -> Response {
    provider.count(|counters| counters.authorize += 1);
    let hint = params.login_hint.clone();
    let silent = params.prompt.as_deref() == Some("none");
    let request = match parse(&provider, params) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    if provider.has_fault(Fault::Deny) {
        return fail(&provider, &request.reply, "access_denied");
    }
    match hint {
        Some(user) if provider.user(&user).is_some() => finish(&provider, request, &user),
        _ if silent => fail(&provider, &request.reply, "login_required"),
        _ => {
            let Ok(name) = random::token() else {
                return OauthError::ServerError.into_response();
            };
            let shown = page::choose_user(
                "/login",
                "request",
                &name,
                &request.client,
                &provider.config.users,
            );
            provider.state().logins.insert(name, request);
            shown.into_response()
        }
    }
}

/// What the login page sends.
#[derive(Deserialize)]
pub(crate) struct Answer {
    request: String,
    user: Option<String>,
}

/// `POST /login`.
pub(crate) async fn login(
    State(provider): State<Arc<Provider>>,
    Form(answer): Form<Answer>,
) -> Response {
    let request = provider.state().logins.remove(&answer.request);
    let Some(request) = request else {
        return refuse("this login was answered before, or never asked for");
    };
    match answer.user {
        Some(user) if provider.user(&user).is_some() => finish(&provider, request, &user),
        _ => fail(&provider, &request.reply, "access_denied"),
    }
}

/// Nothing is sent to a redirect that was not checked (RFC 9700 section 4.11); after that, errors are
/// the client's to see (RFC 6749 section 4.1.2.1).
fn parse(provider: &Provider, params: Params) -> Result<Request, Box<Response>> {
    let client = params.client_id.filter(|id| provider.is_client(id));
    let client = client.ok_or_else(|| Box::new(refuse("no such client")))?;
    let redirect = params.redirect_uri.as_deref().and_then(loopback);
    let redirect =
        redirect.ok_or_else(|| Box::new(refuse("not a loopback redirect_uri of this client")))?;
    let reply = Reply {
        redirect,
        state: params.state,
    };

    let failed = |error| Box::new(fail(provider, &reply, error));
    if params.response_type.as_deref() != Some("code") {
        return Err(failed("unsupported_response_type"));
    }
    let scope = Scope::parse(&params.scope.unwrap_or_default());
    if !scope.has("openid") {
        return Err(failed("invalid_scope"));
    }
    // A SHA-256 in base64url has 43 characters.
    let challenge = params
        .code_challenge
        .filter(|challenge| challenge.len() == 43);
    let Some(challenge) =
        challenge.filter(|_| params.code_challenge_method.as_deref() == Some("S256"))
    else {
        return Err(failed("invalid_request"));
    };
    Ok(Request {
        client,
        reply,
        scope,
        nonce: params.nonce,
        challenge,
    })
}

/// RFC 8252 section 7.3: the loopback literal, any port, our path. Not `localhost` (section 8.3).
fn loopback(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(_) => false,
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let ours = url.scheme() == "http" && url.path() == "/callback" && url.fragment().is_none();
    (here && bare && ours).then_some(url)
}

fn finish(provider: &Provider, request: Request, user: &str) -> Response {
    let now = now();
    let mut state = provider.state();
    if !state.books.may_log_in(user) {
        drop(state);
        return fail(provider, &request.reply, "access_denied");
    }
    let grant = state.books.open(Grant {
        user: user.to_owned(),
        client: request.client,
        scope: request.scope,
        nonce: request.nonce,
        auth_time: now,
    });
    let code = state.books.issue_code(
        grant,
        request.reply.redirect.as_str(),
        &request.challenge,
        now,
    );
    drop(state);
    match code {
        Ok(code) => answer(provider, &request.reply, ("code", &code)),
        Err(_) => fail(provider, &request.reply, "server_error"),
    }
}

fn fail(provider: &Provider, reply: &Reply, error: &str) -> Response {
    answer(provider, reply, ("error", error))
}

fn answer(provider: &Provider, reply: &Reply, (name, value): (&str, &str)) -> Response {
    let mut url = reply.redirect.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair(name, value);
        if let Some(state) = &reply.state {
            let lie = provider.has_fault(Fault::WrongState);
            query.append_pair(
                "state",
                if lie {
                    "the-state-of-another-request"
                } else {
                    state
                },
            );
        }
        if provider.has_fault(Fault::WrongResponseIssuer) {
            query.append_pair("iss", "http://127.0.0.1:1");
        } else if !provider.has_fault(Fault::NoResponseIssuer) {
            query.append_pair("iss", &provider.issuer);
        }
    }
    Redirect::to(url.as_str()).into_response()
}

fn refuse(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, page::sentence(why)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_redirected_to() {
        for good in [
            "http://127.0.0.1:4711/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:9/callback",
        ] {
            assert!(loopback(good).is_some(), "{good}");
        }
        let bad = [
            "http://localhost:4711/callback",
            "https://127.0.0.1:4711/callback",
            "http://127.0.0.1:4711/other",
            "http://127.0.0.1:4711/callback?x=1",
            "http://127.0.0.1:4711/callback#x",
            "http://user@127.0.0.1:4711/callback",
            "http://127.0.0.1.example.test/callback",
            "http://192.0.2.1/callback",
            "nonsense",
        ];
        for bad in bad {
            assert!(loopback(bad).is_none(), "{bad}");
        }
    }
}
