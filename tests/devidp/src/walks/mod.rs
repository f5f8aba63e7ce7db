//! Tests: whole walks through the endpoints, as a client and its browser make them.

mod lies;
mod login;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::books::challenge_of;
use crate::config::Config;
use crate::control::Change;
use crate::fault::Fault;
use crate::provider::Provider;
use crate::routes::router;

const ISSUER: &str = "http://127.0.0.1:4710";
const HOME: &str = "http://127.0.0.1:4711/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

struct Walk {
    provider: Arc<Provider>,
    router: Router,
}

impl Walk {
    fn new() -> Self {
        let provider = Arc::new(Provider::new(ISSUER.to_owned(), Config::default()).unwrap());
        Self {
            router: router(Arc::clone(&provider)),
            provider,
        }
    }

    fn misbehave(&self, fault: Fault) {
        self.provider
            .change(Change {
                faults: Some([fault].into()),
                ..Change::default()
            })
            .unwrap();
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Option<Url>, Vec<u8>) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let location = answer
            .headers()
            .get(header::LOCATION)
            .map(|to| to.to_str().unwrap().parse().unwrap());
        (
            answer.status(),
            location,
            answer
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec(),
        )
    }

    async fn get(&self, path: &str) -> (StatusCode, Option<Url>, Vec<u8>) {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, _, body) = self.send(request.body(form.into()).unwrap()).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// An authorization request in order, but for `changes`: a value instead, or none for no value.
    async fn authorize(
        &self,
        changes: &[(&str, Option<&str>)],
    ) -> (StatusCode, Option<Url>, Vec<u8>) {
        let challenge = challenge_of(VERIFIER);
        let mut fields = vec![
            ("client_id", "valetkey"),
            ("response_type", "code"),
            ("redirect_uri", HOME),
            ("scope", "openid offline_access groups"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", "alice"),
        ];
        fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        fields.extend(
            changes
                .iter()
                .filter_map(|&(name, value)| Some((name, value?))),
        );
        let query = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.get(&format!("/authorize?{query}")).await
    }

    async fn code(&self) -> String {
        parameter(&self.authorize(&[]).await.1.unwrap(), "code").unwrap()
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "valetkey"),
            ("redirect_uri", HOME),
            ("code", code),
            ("code_verifier", verifier),
        ];
        self.post("/token", &fields).await
    }

    async fn login(&self) -> Value {
        let (status, tokens) = self.redeem(&self.code().await, VERIFIER).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        let token = token.as_str().unwrap();
        self.post(
            "/token",
            &[
                ("grant_type", "refresh_token"),
                ("client_id", "valetkey"),
                ("refresh_token", token),
            ],
        )
        .await
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

/// Header and claims of a JWS.
fn opened(token: &Value) -> (Value, Value) {
    let mut parts = token.as_str().unwrap().split('.');
    let mut part =
        || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap();
    (part(), part())
}
