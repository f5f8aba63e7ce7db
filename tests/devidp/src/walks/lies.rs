//! Every fault does what it says, and nothing else.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{ISSUER, VERIFIER, Walk, opened, parameter};
use crate::fault::Fault;

#[tokio::test]
async fn every_lie_about_the_id_token_is_the_only_one() {
    let now = i64::try_from(crate::clock::now()).unwrap();
    type Told = fn(&Value, &Value, i64) -> bool;
    let lies: [(Fault, &[&str], Told); 11] = [
        (Fault::WrongIssuer, &["iss"], |_, claims, _| {
            claims["iss"] != ISSUER
        }),
        (Fault::WrongNonce, &["nonce"], |_, claims, _| {
            claims["nonce"] != "the-nonce"
        }),
        (Fault::NoNonce, &["nonce"], |_, claims, _| {
            claims.get("nonce").is_none()
        }),
        (Fault::WrongAudience, &["aud", "azp"], |_, claims, _| {
            claims["aud"] == "another-client"
        }),
        (Fault::NoAudience, &["aud", "azp"], |_, claims, _| {
            claims["aud"] == json!([])
        }),
        (Fault::ExtraAudience, &["aud", "azp"], |_, claims, _| {
            claims["aud"].as_array().unwrap().len() == 2
        }),
        (Fault::WrongAzp, &["azp"], |_, claims, _| {
            claims["azp"] == "another-client"
        }),
        (Fault::Expired, &[], |_, claims, now| {
            claims["exp"].as_i64().unwrap() < now - 3000
        }),
        (Fault::IssuedInFuture, &[], |_, claims, now| {
            claims["iat"].as_i64().unwrap() > now + 3000
        }),
        (Fault::AlgNone, &[], |header, _, _| header["alg"] == "none"),
        (Fault::AlgHs256, &[], |header, _, _| {
            header["alg"] == "HS256"
        }),
    ];
    // What differs between any two logins anyway.
    let fleeting = ["iat", "exp", "auth_time", "at_hash"];
    for (fault, touched, told) in lies {
        let walk = Walk::new();
        let (_, mut truth) = opened(&walk.login().await["id_token"]);
        walk.misbehave(fault);
        let (header, mut lie) = opened(&walk.login().await["id_token"]);
        assert!(told(&header, &lie, now), "{fault:?}: {header} {lie}");
        for claims in [&mut truth, &mut lie] {
            claims
                .as_object_mut()
                .unwrap()
                .retain(|name, _| ![&fleeting, touched].concat().contains(&name.as_str()));
        }
        assert_eq!(truth, lie, "{fault:?}");
    }
}

#[tokio::test]
async fn a_key_can_be_unknown_or_the_wrong_one() {
    let walk = Walk::new();
    let (honest, _) = opened(&walk.login().await["id_token"]);
    walk.misbehave(Fault::UnknownKid);
    let (unknown, _) = opened(&walk.login().await["id_token"]);
    assert_ne!(honest["kid"], unknown["kid"]);
    walk.misbehave(Fault::WrongKey);
    let (forged, _) = opened(&walk.login().await["id_token"]);
    assert_eq!(honest["kid"], forged["kid"]);
}

#[tokio::test]
async fn the_redirect_can_lie_too() {
    let cases = [
        (
            Fault::WrongState,
            "state",
            Some("the-state-of-another-request"),
        ),
        (
            Fault::WrongResponseIssuer,
            "iss",
            Some("http://127.0.0.1:1"),
        ),
        (Fault::NoResponseIssuer, "iss", None),
        (Fault::Deny, "error", Some("access_denied")),
    ];
    for (fault, name, value) in cases {
        let walk = Walk::new();
        walk.misbehave(fault);
        let (_, location, _) = walk.authorize(&[]).await;
        assert_eq!(
            parameter(&location.unwrap(), name).as_deref(),
            value,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn the_token_endpoint_can_fail_in_many_ways() {
    type Told = fn(&Value) -> bool;
    let cases: [(Fault, StatusCode, Told); 4] = [
        (
            Fault::TokenServerError,
            StatusCode::INTERNAL_SERVER_ERROR,
            |answer| answer["error"] == "server_error",
        ),
        (
            Fault::TokenInvalidGrant,
            StatusCode::BAD_REQUEST,
            |answer| answer["error"] == "invalid_grant",
        ),
        (Fault::TokenGarbage, StatusCode::OK, Value::is_null),
        (Fault::TokenHuge, StatusCode::OK, |answer| {
            answer["id_token"].is_string() && answer.to_string().len() > 10 << 20
        }),
    ];
    for (fault, status, told) in cases {
        let walk = Walk::new();
        let code = walk.code().await;
        walk.misbehave(fault);
        let (got, answer) = walk.redeem(&code, VERIFIER).await;
        assert_eq!(got, status, "{fault:?}");
        assert!(told(&answer), "{fault:?}");
    }
}

#[tokio::test]
async fn at_hash_is_of_the_access_token_unless_it_lies() {
    let walk = Walk::new();
    let fits = |tokens: &Value| {
        let hash = walk
            .provider
            .state()
            .keys
            .current()
            .half_hash(tokens["access_token"].as_str().unwrap());
        opened(&tokens["id_token"]).1["at_hash"] == hash
    };
    assert!(fits(&walk.login().await));
    walk.misbehave(Fault::WrongAtHash);
    assert!(!fits(&walk.login().await));
}

#[tokio::test]
async fn a_refresh_can_lie_about_the_user_or_say_nothing() {
    let walk = Walk::new();
    let tokens = walk.login().await;
    walk.misbehave(Fault::WrongSubjectOnRefresh);
    assert_eq!(opened(&walk.login().await["id_token"]).1["sub"], "alice");
    let (_, refreshed) = walk.refresh(&tokens["refresh_token"]).await;
    assert_eq!(opened(&refreshed["id_token"]).1["sub"], "mallory");

    walk.misbehave(Fault::NoIdTokenOnRefresh);
    let (status, refreshed) = walk.refresh(&refreshed["refresh_token"]).await;
    assert_eq!((status, refreshed.get("id_token")), (StatusCode::OK, None));
    assert!(walk.login().await["id_token"].is_string());
}
