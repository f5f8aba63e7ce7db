//! Honest logins, and requests that are not in order.

use axum::http::StatusCode;
use serde_json::json;

use super::{HOME, ISSUER, VERIFIER, Walk, opened, parameter};
use crate::control::Change;
use crate::fault::Fault;

#[tokio::test]
async fn a_login_says_who_and_for_whom() {
    let walk = Walk::new();
    let (status, location, _) = walk.authorize(&[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let location = location.unwrap();
    assert!(location.as_str().starts_with(HOME));
    assert_eq!(parameter(&location, "state").unwrap(), "the-state");
    assert_eq!(parameter(&location, "iss").unwrap(), ISSUER);

    let (_, tokens) = walk
        .redeem(&parameter(&location, "code").unwrap(), VERIFIER)
        .await;
    let (_, claims) = opened(&tokens["id_token"]);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(ISSUER), &json!("alice"))
    );
    assert_eq!(
        (&claims["aud"], &claims["azp"]),
        (&json!("valetkey"), &json!("valetkey"))
    );
    assert_eq!(
        (&claims["nonce"], &claims["groups"]),
        (&json!("the-nonce"), &json!(["dev", "deploy"]))
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        300
    );
}

#[tokio::test]
async fn what_is_not_in_order_is_refused_where_the_rfc_says() {
    let to_the_user = [
        ("client_id", Some("mallory")),
        ("redirect_uri", Some("http://198.51.100.1/callback")),
        ("redirect_uri", None),
    ];
    for change in to_the_user {
        let (status, location, _) = Walk::new().authorize(&[change]).await;
        assert_eq!(
            (status, location),
            (StatusCode::BAD_REQUEST, None),
            "{change:?}"
        );
    }
    let to_the_client = [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (
            ("response_type", Some("token")),
            "unsupported_response_type",
        ),
        (("scope", Some("groups")), "invalid_scope"),
    ];
    for (change, error) in to_the_client {
        let (_, location, _) = Walk::new().authorize(&[change]).await;
        assert_eq!(
            parameter(&location.unwrap(), "error").as_deref(),
            Some(error),
            "{change:?}"
        );
    }
}

#[tokio::test]
async fn without_a_hint_a_page_asks_once() {
    let walk = Walk::new();
    let (status, _, page) = walk.authorize(&[("login_hint", None)]).await;
    assert_eq!(status, StatusCode::OK);
    let page = String::from_utf8(page).unwrap();
    let (_, rest) = page.split_once("name=\"request\" value=\"").unwrap();
    let (request, _) = rest.split_once('"').unwrap();
    assert!(page.contains("value=\"boss\""), "{page}");

    let fields = [("request", request), ("user", "boss")];
    assert_eq!(walk.post("/login", &fields).await.0, StatusCode::SEE_OTHER);
    assert_eq!(
        walk.post("/login", &fields).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_wrong_verifier_gets_nothing_and_burns_the_code() {
    let walk = Walk::new();
    let code = walk.code().await;
    for verifier in ["another-verifier-of-at-least-forty-three-chars", VERIFIER] {
        let (status, answer) = walk.redeem(&code, verifier).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
            "{verifier}"
        );
    }
}

#[tokio::test]
async fn refresh_rotates_and_reuse_ends_the_login() {
    let walk = Walk::new();
    let first = walk.login().await;
    let (status, second) = walk.refresh(&first["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(walk.provider.report().live_refresh_tokens["alice"], 1);

    for stale in [&first, &second] {
        let (_, answer) = walk.refresh(&stale["refresh_token"]).await;
        assert_eq!(answer["error"], json!("invalid_grant"));
    }
    let counters = walk.provider.report().counters;
    assert_eq!(
        (counters.authorize, counters.token, counters.refresh),
        (1, 4, 3)
    );
}

#[tokio::test]
async fn a_refresh_without_rotation_leaves_the_old_token_good() {
    let walk = Walk::new();
    let tokens = walk.login().await;
    walk.misbehave(Fault::NoRefreshToken);
    for _ in 0..2 {
        let (status, again) = walk.refresh(&tokens["refresh_token"]).await;
        assert_eq!((status, again.get("refresh_token")), (StatusCode::OK, None));
    }
}

#[tokio::test]
async fn who_left_can_neither_refresh_nor_log_in_until_they_return() {
    let walk = Walk::new();
    let tokens = walk.login().await;
    walk.provider
        .change(Change {
            revoke_user: Some("alice".to_owned()),
            ..Change::default()
        })
        .unwrap();
    assert_eq!(
        walk.refresh(&tokens["refresh_token"]).await.1["error"],
        json!("invalid_grant")
    );
    let (_, location, _) = walk.authorize(&[]).await;
    assert_eq!(
        parameter(&location.unwrap(), "error").as_deref(),
        Some("access_denied")
    );

    walk.provider
        .change(Change {
            restore_user: Some("alice".to_owned()),
            ..Change::default()
        })
        .unwrap();
    assert_eq!(
        walk.refresh(&tokens["refresh_token"]).await.0,
        StatusCode::OK
    );
}
