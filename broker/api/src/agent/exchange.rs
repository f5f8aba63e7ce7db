//! `POST /oauth2/token`: token exchange in the form of RFC 8693, for clients that know only OAuth.
//!
//! | parameter | here |
//! |---|---|
//! | `grant_type` | `urn:ietf:params:oauth:grant-type:token-exchange` |
//! | `subject_token`, `subject_token_type` | the session is the subject, and the socket proves it: leave both out, or send `session` and `urn:valetkey:token-type:session` |
//! | `audience`, `resource` | who the token is for, one value; names the credential too, where exactly one is for it |
//! | `credential` | the credential, where the audience does not name it (an extension) |
//! | `scope` | as in RFC 6749 section 3.3 |
//! | `requested_token_type` | an access token or a JWT; both are the same token |
//! | `lifetime_seconds`, `min_validity_seconds`, `reason`, `wait_seconds` | as in `GetTokenRequest` (extensions) |
//! | `actor_token` | refused: the actor is the session |
//!
//! There is no `client_credentials` grant: the token speaks for the user, with the session as its
//! actor, and that is what an exchange says. Parameters that are not known are ignored and ones
//! without a value count as absent, as RFC 6749 section 3.2 asks.
//!
//! Where an approval is needed, a client that knows the device flow knows the answers too: they are
//! those of RFC 8628 section 3.5, and `approval` names the question.

use std::borrow::Cow;

use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;
use tonic::body::Body;
use url::form_urlencoded;
use valetkey_codes::Code;
use valetkey_core::{Credentials, Refusal, request::Ask};

use super::{
    desk::Desk,
    http::disclosed,
    wait::{self, Wait},
};
use crate::{
    reply,
    serve::{self, Allowance},
    status,
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SESSION_TYPE: &str = "urn:valetkey:token-type:session";
const SESSION: &str = "session";

/// Answers one exchange.
pub(super) async fn answer(desk: &Desk, request: Request<Incoming>) -> Response<Body> {
    let allowance = Allowance::of(request.extensions());
    let read = match form(desk, request).await {
        Ok(form) => Form::parse(&form).and_then(|form| form.read(desk.credentials())),
        Err(refusal) => Err(Wrong::Refused(refusal)),
    };
    let (ask, wait, issued) = match read {
        Ok(read) => read,
        Err(Wrong::GrantType) => return status::oauth_grant_type(desk.reference()),
        Err(Wrong::Refused(refusal)) => return status::oauth(&refusal, desk.reference()),
    };
    let released = match wait::token(desk, ask, wait, &allowance).await {
        Ok(released) => released,
        Err((refusal, reference)) => return status::oauth(&refusal, reference),
    };
    let reply = disclosed(&released, |access_token| {
        let lease = released.lease();
        let token = Token {
            access_token,
            issued_token_type: issued,
            token_type: "Bearer",
            expires_in: lease.expires.saturating_sub(desk.now_seconds()),
            scope: lease.grant.scopes.to_string(),
        };
        reply::json(StatusCode::OK, &token)
    });
    reply.unwrap_or_else(|refusal| status::oauth(&refusal, desk.reference()))
}

/// RFC 8693 section 2.2.1.
#[derive(Serialize)]
struct Token<'a> {
    access_token: &'a str,
    issued_token_type: &'a str,
    token_type: &'a str,
    expires_in: u64,
    scope: String,
}

enum Wrong {
    GrantType,
    Refused(Refusal),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

async fn form(desk: &Desk, request: Request<Incoming>) -> Result<hyper::body::Bytes, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid(
            "the body is sent as `application/x-www-form-urlencoded`",
        ));
    }
    serve::read(request, desk.door.house.limits.body).await
}

fn invalid(sentence: impl AsRef<str>) -> Refusal {
    Refusal::new(Code::InvalidRequest).saying(sentence)
}

/// The parameters, each at most once.
#[derive(Default)]
struct Form<'a> {
    grant_type: Option<Cow<'a, str>>,
    subject_token: Option<Cow<'a, str>>,
    subject_token_type: Option<Cow<'a, str>>,
    actor_token: Option<Cow<'a, str>>,
    requested_token_type: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    audience: Option<Cow<'a, str>>,
    resource: Option<Cow<'a, str>>,
    scope: Option<Cow<'a, str>>,
    lifetime_seconds: Option<Cow<'a, str>>,
    min_validity_seconds: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
    wait_seconds: Option<Cow<'a, str>>,
}

impl<'a> Form<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Wrong> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let place = match name.as_ref() {
                "grant_type" => &mut form.grant_type,
                "subject_token" => &mut form.subject_token,
                "subject_token_type" => &mut form.subject_token_type,
                "actor_token" => &mut form.actor_token,
                "requested_token_type" => &mut form.requested_token_type,
                "credential" => &mut form.credential,
                "audience" => &mut form.audience,
                "resource" => &mut form.resource,
                "scope" => &mut form.scope,
                "lifetime_seconds" => &mut form.lifetime_seconds,
                "min_validity_seconds" => &mut form.min_validity_seconds,
                "reason" => &mut form.reason,
                "wait_seconds" => &mut form.wait_seconds,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            if place.replace(value).is_some() {
                return Err(repeated(&name).into());
            }
        }
        Ok(form)
    }

    fn read(self, credentials: &Credentials) -> Result<(Ask, Wait, &'static str), Wrong> {
        match self.grant_type.as_deref() {
            Some(EXCHANGE) => {}
            Some(_) => return Err(Wrong::GrantType),
            None => return Err(invalid("the parameter `grant_type` is missing").into()),
        }
        self.subject()?;
        let issued = self.issued()?;
        let audience = self.target()?;
        let credential = match (self.credential, &audience) {
            (Some(credential), _) => credential.into_owned(),
            (None, Some(audience)) => only_one_for(audience, credentials)?,
            (None, None) => {
                return Err(invalid("name an `audience`, a `resource` or a `credential`").into());
            }
        };
        let wait = Wait::seconds(number("wait_seconds", self.wait_seconds)?)?;
        let ask = Ask {
            credential,
            scopes: self.scope.into_iter().map(Cow::into_owned).collect(),
            audience,
            lifetime: number("lifetime_seconds", self.lifetime_seconds)?,
            min_validity: number("min_validity_seconds", self.min_validity_seconds)?,
            reason: self.reason.map(Cow::into_owned),
            ..Ask::default()
        };
        Ok((ask, wait, issued))
    }

    fn subject(&self) -> Result<(), Refusal> {
        if self.actor_token.is_some() {
            return Err(invalid(
                "leave out `actor_token`: the actor is the session of this socket",
            ));
        }
        let token = self.subject_token.as_deref().unwrap_or(SESSION);
        let kind = self.subject_token_type.as_deref().unwrap_or(SESSION_TYPE);
        if token == SESSION && kind == SESSION_TYPE {
            Ok(())
        } else {
            Err(invalid(format!(
                "the subject is the session of this socket: leave out `subject_token`, \
                 or send `{SESSION}` with the type `{SESSION_TYPE}`"
            )))
        }
    }

    fn issued(&self) -> Result<&'static str, Refusal> {
        match self.requested_token_type.as_deref() {
            None | Some(ACCESS_TOKEN) => Ok(ACCESS_TOKEN),
            Some(JWT) => Ok(JWT),
            Some(_) => Err(invalid(format!(
                "`requested_token_type` is `{ACCESS_TOKEN}` or `{JWT}`"
            ))),
        }
    }

    /// `resource` (RFC 8707) and `audience` mean the same here; both may be sent, not two targets.
    fn target(&self) -> Result<Option<String>, Refusal> {
        match (self.audience.as_deref(), self.resource.as_deref()) {
            (Some(audience), Some(resource)) if audience != resource => Err(two_targets()),
            (audience, resource) => Ok(audience.or(resource).map(str::to_owned)),
        }
    }
}

fn repeated(name: &str) -> Refusal {
    match name {
        "audience" | "resource" => two_targets(),
        _ => invalid(format!("the parameter `{name}` is there twice")),
    }
}

fn two_targets() -> Refusal {
    Refusal::new(Code::InvalidTarget).saying("a token is for one audience; ask once for each")
}

/// The one credential that `audience` belongs to, for clients that cannot name it.
fn only_one_for(audience: &str, credentials: &Credentials) -> Result<String, Refusal> {
    let mut candidates = credentials
        .iter()
        .filter(|credential| credential.audiences.iter().any(|a| a.as_str() == audience));
    match (candidates.next(), candidates.next()) {
        (Some(credential), None) => Ok(credential.name.to_string()),
        (None, _) => {
            Err(Refusal::new(Code::InvalidTarget).saying("no credential is for that audience"))
        }
        (Some(_), Some(_)) => Err(Refusal::new(Code::InvalidTarget)
            .saying("more than one credential is for that audience; name one with `credential`")),
    }
}

fn number<N: std::str::FromStr>(
    name: &str,
    text: Option<Cow<'_, str>>,
) -> Result<Option<N>, Refusal> {
    text.map(|text| text.parse()).transpose().map_err(|_| {
        invalid(format!(
            "the parameter `{name}` is not a whole number of seconds"
        ))
    })
}
