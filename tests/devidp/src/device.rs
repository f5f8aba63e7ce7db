//! The device flow, RFC 8628: a code for the device, a shorter one for the person, and a page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Form, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::books::Grant;
use crate::clock::{instant, now};
use crate::error::OauthError;
use crate::page;
use crate::provider::Provider;
use crate::random;
use crate::scope::Scope;

const LIFETIME: Duration = Duration::from_secs(600);
/// What every `slow_down` adds (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Device authorizations, by device code.
#[derive(Default)]
pub(crate) struct Devices(HashMap<String, Device>);

struct Device {
    user_code: String,
    client: String,
    scope: Scope,
    started: Instant,
    polled: Option<Instant>,
    penalty: Duration,
    answer: Answer,
}

enum Answer {
    None,
    Approved { user: String, auth_time: u64 },
    Denied,
}

impl Devices {
    /// One poll of a device. The grant is handed out once.
    pub(crate) fn poll(
        &mut self,
        client: &str,
        code: &str,
        interval: Duration,
    ) -> Result<Grant, OauthError> {
        let unknown = OauthError::InvalidGrant("no such device code");
        let device = self
            .0
            .get_mut(code)
            .filter(|device| device.client == client)
            .ok_or(unknown)?;
        if device.started.elapsed() >= LIFETIME {
            return Err(OauthError::ExpiredToken);
        }
        let early = device
            .polled
            .replace(instant())
            .is_some_and(|last| last.elapsed() < interval + device.penalty);
        match &device.answer {
            Answer::None if early => {
                device.penalty += SLOWER;
                Err(OauthError::SlowDown)
            }
            Answer::None => Err(OauthError::AuthorizationPending),
            Answer::Denied => Err(OauthError::AccessDenied),
            Answer::Approved { user, auth_time } => {
                let (user, auth_time) = (user.clone(), *auth_time);
                let device = self.0.remove(code).ok_or(unknown)?;
                Ok(Grant {
                    user,
                    client: device.client,
                    scope: device.scope,
                    nonce: None,
                    auth_time,
                })
            }
        }
    }

    fn answer(&mut self, user_code: &str, answer: Answer) -> Result<(), OauthError> {
        let waiting = |device: &&mut Device| {
            device.user_code == user_code && matches!(device.answer, Answer::None)
        };
        let device = self.0.values_mut().find(waiting);
        device
            .ok_or(OauthError::InvalidRequest("no device waits with this code"))?
            .answer = answer;
        Ok(())
    }
}

/// The parameters of a device.
#[derive(Deserialize)]
pub(crate) struct Params {
    client_id: Option<String>,
    scope: Option<String>,
}

/// `POST /device/authorize`.
pub(crate) async fn start(
    State(provider): State<Arc<Provider>>,
    Form(params): Form<Params>,
) -> Result<Response, OauthError> {
    provider.count(|counters| counters.device += 1);
    let client = params
        .client_id
        .filter(|id| provider.is_client(id))
        .ok_or(OauthError::InvalidClient)?;
    let scope = Scope::parse(&params.scope.unwrap_or_default());
    if !scope.has("openid") {
        return Err(OauthError::InvalidScope);
    }
    let (device_code, user_code) = (random::token()?, random::user_code()?);
    let answer = Json(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": format!("{}/device", provider.issuer),
        "verification_uri_complete": format!("{}/device?user_code={user_code}", provider.issuer),
        "expires_in": LIFETIME.as_secs(),
        "interval": provider.config.device_interval.as_secs(),
    }));
    let device = Device {
        user_code,
        client,
        scope,
        started: instant(),
        polled: None,
        penalty: Duration::ZERO,
        answer: Answer::None,
    };
    provider.state().devices.0.insert(device_code, device);
    Ok(answer.into_response())
}

/// What the first page asks for.
#[derive(Deserialize)]
pub(crate) struct Shown {
    user_code: Option<String>,
}

/// `GET /device`, the page of the person.
pub(crate) async fn page(
    State(provider): State<Arc<Provider>>,
    Query(shown): Query<Shown>,
) -> Html<String> {
    match shown.user_code {
        Some(code) => {
            let code = code.trim().to_uppercase();
            page::choose_user(
                "/device/approve",
                "user_code",
                &code,
                "a device",
                &provider.config.users,
            )
        }
        None => page::ask_user_code(),
    }
}

/// `POST /device/approve` with `user_code` and `user`, or `deny`, in the query or the form.
pub(crate) async fn approve(
    State(provider): State<Arc<Provider>>,
    RawQuery(query): RawQuery,
    body: String,
) -> Result<Response, OauthError> {
    let query = query.unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes())
        .chain(url::form_urlencoded::parse(body.as_bytes()));
    let fields: HashMap<_, _> = pairs.collect();
    let user_code = fields
        .get("user_code")
        .ok_or(OauthError::InvalidRequest("`user_code` is missing"))?;
    let answer = if fields.contains_key("deny") {
        Answer::Denied
    } else {
        let user = fields
            .get("user")
            .filter(|name| provider.user(name).is_some());
        let user = user.ok_or(OauthError::InvalidRequest("no such user"))?;
        Answer::Approved {
            user: user.to_string(),
            auth_time: now(),
        }
    };
    provider.state().devices.answer(user_code, answer)?;
    Ok((
        StatusCode::OK,
        page::sentence("thank you, go back to your device"),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(1);

    fn one_device() -> Devices {
        let device = Device {
            user_code: "BCDF-GHJK".to_owned(),
            client: "valetkey".to_owned(),
            scope: Scope::parse("openid"),
            started: instant(),
            polled: None,
            penalty: Duration::ZERO,
            answer: Answer::None,
        };
        Devices(HashMap::from([("device".to_owned(), device)]))
    }

    fn approved() -> Answer {
        Answer::Approved {
            user: "alice".to_owned(),
            auth_time: 0,
        }
    }

    #[test]
    fn a_hasty_device_is_told_to_slow_down() {
        let mut devices = one_device();
        assert_eq!(
            devices.poll("valetkey", "device", INTERVAL).unwrap_err(),
            OauthError::AuthorizationPending
        );
        assert_eq!(
            devices.poll("valetkey", "device", INTERVAL).unwrap_err(),
            OauthError::SlowDown
        );
    }

    #[test]
    fn an_approval_is_handed_out_once_to_its_client() {
        let mut devices = one_device();
        devices.answer("BCDF-GHJK", approved()).unwrap();
        assert!(devices.answer("BCDF-GHJK", Answer::Denied).is_err());
        assert!(devices.poll("mallory", "device", INTERVAL).is_err());
        assert_eq!(
            devices.poll("valetkey", "device", INTERVAL).unwrap().user,
            "alice"
        );
        assert!(devices.poll("valetkey", "device", INTERVAL).is_err());
    }

    #[test]
    fn a_denial_is_final() {
        let mut devices = one_device();
        devices.answer("BCDF-GHJK", Answer::Denied).unwrap();
        assert!(devices.answer("BCDF-GHJK", approved()).is_err());
        assert_eq!(
            devices.poll("valetkey", "device", INTERVAL).unwrap_err(),
            OauthError::AccessDenied
        );
    }
}
