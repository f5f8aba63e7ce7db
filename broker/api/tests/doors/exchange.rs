//! The RFC 8693 form, and what standard clients send.

use serde_json::Value;

use crate::{
    house::House,
    wire::{form, http},
};

const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";

async fn error(house: &House, parameters: &str) -> (u16, Value) {
    let (_, socket) = house.session().await;
    let answer = form(&socket, parameters).await;
    let body = answer.json();
    assert!(
        body["error_description"].as_str().is_some_and(fits),
        "{body}"
    );
    (answer.status, body["error"].clone())
}

/// RFC 6749 section 5.2.
fn fits(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[tokio::test]
async fn a_standard_client_names_the_credential_by_its_audience() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    for target in [
        "audience=https://mail.test",
        "resource=https://mail.test",
        "audience=https://mail.test&resource=https://mail.test",
    ] {
        let parameters = format!(
            "{EXCHANGE}&{target}&scope=read&subject_token=session\
             &subject_token_type=urn:valetkey:token-type:session\
             &requested_token_type=urn:ietf:params:oauth:token-type:jwt\
             &client_id=whoever&unknown=ignored&reason="
        );
        let answer = form(&socket, &parameters).await.json();
        assert_eq!(
            answer["access_token"],
            "alice|mail|read|https://mail.test|600"
        );
        assert_eq!(
            answer["issued_token_type"],
            "urn:ietf:params:oauth:token-type:jwt"
        );
    }
}

#[tokio::test]
async fn an_audience_of_two_credentials_needs_the_name() {
    let house = House::new().await;
    let shared = format!("{EXCHANGE}&scope=read&audience=https://shared.test");
    assert_eq!(error(&house, &shared).await, (400, "invalid_target".into()));
    let (_, socket) = house.session().await;
    let named = form(&socket, &format!("{shared}&credential=mail")).await;
    assert_eq!(
        named.json()["access_token"],
        "alice|mail|read|https://shared.test|600"
    );
}

#[tokio::test]
async fn each_mistake_has_its_name() {
    let house = House::new().await;
    let cases = [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        (
            "grant_type=client_credentials&credential=mail",
            "unsupported_grant_type",
        ),
        (
            "&audience=https://a.test&audience=https://b.test",
            "invalid_target",
        ),
        (
            "&audience=https://mail.test&resource=https://files.test",
            "invalid_target",
        ),
        ("&audience=https://nowhere.test", "invalid_target"),
        ("&scope=read", "invalid_request"),
        ("&credential=mail&credential=files", "invalid_request"),
        ("&credential=mail&subject_token=eyJ", "invalid_request"),
        (
            "&credential=mail&subject_token_type=urn:ietf:params:oauth:token-type:jwt",
            "invalid_request",
        ),
        ("&credential=mail&actor_token=x", "invalid_request"),
        (
            "&credential=mail&requested_token_type=urn:ietf:params:oauth:token-type:saml2",
            "invalid_request",
        ),
        (
            "&credential=mail&scope=read&lifetime_seconds=ten",
            "invalid_request",
        ),
        ("&credential=mail&scope=nothing", "invalid_scope"),
        ("&credential=mail&scope=%FF%FE", "invalid_scope"),
    ];
    for (parameters, name) in cases {
        let parameters = match parameters.strip_prefix('&') {
            Some(rest) => format!("{EXCHANGE}&{rest}"),
            None => parameters.to_owned(),
        };
        assert_eq!(
            error(&house, &parameters).await,
            (400, name.into()),
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn the_form_is_sent_as_a_form() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    for kind in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencodedx",
    ] {
        let answer = http(&socket, "POST", "/oauth2/token", kind, EXCHANGE).await;
        assert_eq!(answer.json()["error"], "invalid_request", "{kind}");
    }
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    let body = format!("{EXCHANGE}&credential=mail&scope=read");
    let answer = http(&socket, "POST", "/oauth2/token", kind, &body).await;
    assert_eq!(answer.status, 200);
}
