//! A login at the development provider, and every way in which it must not come to be.

use std::{collections::BTreeMap, sync::Arc};

use valetkey_codes::Code;
use valetkey_core::{
    Event, SecretName,
    ports::{
        LedgerError, LoginMethod, LoginStart, Logins as _, SecretKey, SecretStore as _, StoreError,
    },
};
use valetkey_devidp::{Alg, Config, DevIdp, Fault};
use valetkey_oidc::Accepted;
use valetkey_support::contracts::logins::{Subject, all};

use crate::{
    browser,
    world::{World, account, assert_refused, url},
};

#[tokio::test]
async fn keeps_the_contract() {
    all(async || {
        let world = World::new();
        Subject {
            logins: Arc::clone(&world.logins) as _,
            person: Box::new(|start| {
                Box::pin(async move { browser::log_in(&start, "alice").await })
            }),
            keep: Box::new(world),
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_logs_in_with_a_browser() {
    let world = World::new();
    let user = world.alice().await;
    assert_eq!(user.id.issuer, world.idp.issuer());
    assert_eq!(user.id.subject, "alice");
    assert_eq!(user.groups, ["deploy".to_owned(), "dev".to_owned()].into());
    assert!(
        world.kept().is_some(),
        "the refresh token is in the keyring"
    );
    assert_eq!(world.told.all(), ["confirmed alice deploy,dev"]);
    assert_eq!(
        world.events(),
        [Event::LoggedIn {
            account: account(),
            user: user.id,
            method: "code".into()
        }]
    );
}

#[tokio::test]
async fn a_person_logs_in_by_typing_a_code_elsewhere() {
    let world = World::new();
    let login = world
        .logins
        .begin(&account(), LoginMethod::Device)
        .await
        .unwrap();
    let LoginStart::Device { expires_in, .. } = &login.start else {
        panic!("{:?}", login.start)
    };
    assert_eq!(
        *expires_in, 300,
        "our own bound, which is less than the provider's"
    );
    browser::log_in(&login.start, "bob").await;
    assert_eq!(login.done.await.unwrap().id.subject, "bob");
    assert!(matches!(&world.events()[..], [Event::LoggedIn { method, .. }] if method == "device"));
}

#[tokio::test]
async fn an_eddsa_provider_is_as_good() {
    let config = Config {
        alg: Alg::EdDsa,
        ..Config::default()
    };
    let world = World::at(DevIdp::start(config).unwrap(), |_| ());
    assert_eq!(world.alice().await.id.subject, "alice");
}

#[tokio::test]
async fn the_request_has_what_the_rfcs_ask_for() {
    let world = World::new();
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    let parsed: url::Url = url(&login.start).parse().unwrap();
    let query: BTreeMap<_, _> = parsed.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["code_challenge"].len(), 43);
    assert_eq!(
        query["prompt"], "consent",
        "or some providers drop offline_access"
    );
    assert_eq!(query["scope"], "openid profile email groups offline_access");
    assert!(query["redirect_uri"].starts_with("http://127.0.0.1:"));
    assert!(query["state"].len() >= 43 && query["nonce"].len() >= 43);
    assert_ne!(query["state"], query["nonce"]);
}

/// Each lie alone, with the code and the words that the person reads.
#[tokio::test]
async fn every_lie_is_found() {
    let lies = [
        (Fault::Deny, Code::LoginRefused, "denied"),
        (
            Fault::WrongResponseIssuer,
            Code::LoginRefused,
            "came back from the issuer",
        ),
        (
            Fault::NoResponseIssuer,
            Code::LoginRefused,
            "without the `iss`",
        ),
        (Fault::WrongIssuer, Code::LoginRefused, "another issuer"),
        (Fault::WrongNonce, Code::LoginRefused, "another request"),
        (Fault::NoNonce, Code::LoginRefused, "no request"),
        (Fault::WrongAudience, Code::LoginRefused, "another client"),
        (
            Fault::ExtraAudience,
            Code::LoginRefused,
            "names no authorized party",
        ),
        (
            Fault::WrongAzp,
            Code::LoginRefused,
            "made for the client `another-client`",
        ),
        (Fault::WrongAtHash, Code::LoginRefused, "at_hash"),
        (Fault::Expired, Code::LoginRefused, "not of this time"),
        (
            Fault::IssuedInFuture,
            Code::LoginRefused,
            "not of this time",
        ),
        (Fault::AlgNone, Code::LoginRefused, "not at all"),
        (Fault::AlgHs256, Code::LoginRefused, "not accepted"),
        (Fault::UnknownKid, Code::LoginRefused, "does not publish"),
        (Fault::WrongKey, Code::LoginRefused, "signature"),
        (Fault::NoIdToken, Code::LoginRefused, "no id token"),
        (Fault::NoRefreshToken, Code::LoginRefused, "offline_access"),
        (
            Fault::TokenServerError,
            Code::UpstreamUnavailable,
            "status 500",
        ),
        (
            Fault::TokenInvalidGrant,
            Code::UpstreamRefused,
            "invalid_grant",
        ),
        (
            Fault::TokenGarbage,
            Code::UpstreamUnavailable,
            "cannot be read",
        ),
        (Fault::TokenHuge, Code::UpstreamUnavailable, "longer than"),
        (
            Fault::JwksUnavailable,
            Code::UpstreamUnavailable,
            "status 503",
        ),
    ];
    for (fault, code, words) in lies {
        let world = World::new();
        let refusal = world.refused_login(fault).await;
        assert_refused(&refusal, code, words);
        assert_eq!(world.kept(), None, "{fault:?}");
        assert_eq!(world.logins.list(), [], "{fault:?}");
        assert_eq!(world.told.all(), [] as [&str; 0], "{fault:?}");
        let id = code.row().id;
        let events = world.events();
        assert!(
            matches!(&events[..], [Event::LoginRefused { code, .. }] if code == id),
            "{fault:?}: {events:?}"
        );

        world.idp.misbehave([]);
        world.alice().await;
    }
}

#[tokio::test]
async fn a_refused_login_leaves_no_token_at_the_provider() {
    let world = World::new();
    world.refused_login(Fault::WrongNonce).await;
    assert_eq!(world.idp.counters().revocation, 1);
    assert_eq!(world.live_tokens(), 0);
}

#[tokio::test]
async fn a_lie_in_discovery_is_found_before_anything_is_asked() {
    let cases = [
        (
            Fault::WrongDiscoveryIssuer,
            Code::LoginRefused,
            "names the issuer",
        ),
        (
            Fault::DiscoveryUnavailable,
            Code::UpstreamUnavailable,
            "status 503",
        ),
    ];
    for (fault, code, words) in cases {
        let world = World::new();
        world.idp.misbehave([fault]);
        let begun = world.logins.begin(&account(), LoginMethod::Code).await;
        assert_refused(&begun.err().unwrap(), code, words);
        assert!(matches!(&world.events()[..], [Event::LoginRefused { .. }]));
        // Nothing bad is kept: the next login asks again.
        world.idp.misbehave([]);
        world.alice().await;
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_at_once() {
    let world = World::new();
    world.idp.go_down();
    let begun = world.logins.begin(&account(), LoginMethod::Code).await;
    assert_refused(
        &begun.err().unwrap(),
        Code::UpstreamUnavailable,
        "connection",
    );
}

#[tokio::test]
async fn a_provider_that_hangs_is_left() {
    for fault in [Fault::DiscoveryHangs, Fault::TokenHangs] {
        let world = World::with(|config| config.request_timeout_seconds = 1);
        let refusal = world.refused_login(fault).await;
        assert_refused(&refusal, Code::UpstreamUnavailable, "no answer within 1 s");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_no_more() {
    // The ID token lives 300 s.
    for (skew, good) in [(55, true), (65, false), (-355, true), (-365, false)] {
        let world = World::new();
        world.idp.set_clock_skew(skew);
        assert_eq!(world.log_in("alice").await.is_ok(), good, "{skew}");
    }
}

#[tokio::test]
async fn rotated_keys_are_fetched_once_when_they_are_needed() {
    for replace in [false, true] {
        let world = World::new();
        world.alice().await;
        assert_eq!(world.idp.counters().jwks, 1);
        if replace {
            world.idp.replace_keys();
        } else {
            world.idp.rotate_keys();
        }
        world.alice().await;
        world.alice().await;
        assert_eq!(world.idp.counters().jwks, 2);
        assert_eq!(world.idp.counters().discovery, 1, "metadata is kept");
    }
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_and_not_again() {
    let world = World::new();
    world.refused_login(Fault::UnknownKid).await;
    assert_eq!(world.idp.counters().jwks, 2);
}

#[tokio::test]
async fn required_claims_are_required() {
    let login = async |claims: BTreeMap<String, String>, required: &str, accepted: Accepted| {
        let config = Config {
            claims,
            ..Config::default()
        };
        let world = World::at(DevIdp::start(config).unwrap(), |config| {
            config.required_claims.insert(required.to_owned(), accepted);
        });
        let outcome = world.log_in("alice").await;
        assert_eq!(world.kept().is_some(), outcome.is_ok());
        outcome.map_err(|refusal| refusal.code())
    };
    let ours = || BTreeMap::from([("hd".to_owned(), "example.test".to_owned())]);
    let one = |text: &str| Accepted::One(text.into());
    let any = |texts: &[&str]| Accepted::Any(texts.iter().map(|&text| text.into()).collect());

    assert!(login(ours(), "hd", one("example.test")).await.is_ok());
    assert!(
        login(ours(), "hd", any(&["x", "example.test"]))
            .await
            .is_ok()
    );
    assert!(login(ours(), "groups", one("dev")).await.is_ok());
    assert!(login(ours(), "email_verified", one("true")).await.is_ok());
    let missing = Err(Code::LoginClaimMissing);
    assert_eq!(
        login(ours(), "hd", one("other.test")).await.map(drop),
        missing
    );
    assert_eq!(
        login(ours(), "tenant", one("example.test")).await.map(drop),
        missing
    );
    assert_eq!(
        login(ours(), "groups", any(&["admins", "ops"]))
            .await
            .map(drop),
        missing
    );
}

#[tokio::test]
async fn without_a_keyring_there_is_no_login() {
    let world = World::new();
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    world.keyring.fail_with(StoreError::Locked);
    browser::log_in(&login.start, "alice").await;
    assert_refused(
        &login.done.await.unwrap_err(),
        Code::KeyringLocked,
        "locked",
    );
    assert_eq!(
        world.live_tokens(),
        0,
        "the provider was given the token back"
    );
    assert_eq!(world.logins.list(), []);
}

#[tokio::test]
async fn without_a_ledger_there_is_no_login_and_the_earlier_one_stays() {
    let world = World::new();
    world.alice().await;
    let before = world.kept();
    world
        .ledger
        .break_with(Some(LedgerError::Unwritable("disk full".into())));
    let refusal = world.log_in("alice").await.unwrap_err();
    assert_eq!(refusal.code(), Code::AuditUnavailable);
    assert_eq!(world.kept(), before);
    world.ledger.break_with(None);
    assert!(
        world.within(0).await.is_ok(),
        "the earlier token still works"
    );
    assert_eq!(world.live_tokens(), 1);
}

#[tokio::test]
async fn another_person_in_the_same_account_ends_the_first_ones_authority() {
    let world = World::new();
    world.alice().await;
    world.log_in("bob").await.unwrap();
    let told = world.told.all();
    assert_eq!(
        told,
        [
            "confirmed alice deploy,dev",
            "ended another user logged in",
            "confirmed bob dev"
        ]
    );
    assert_eq!(world.live_tokens(), 0, "alice's token is revoked");
}

#[tokio::test]
async fn a_confidential_client_needs_its_secret_from_the_keyring() {
    let name = SecretName::parse("sso-client").unwrap();
    let world = World::with(|config| config.client_secret_key = Some(name.clone()));
    let refusal = world.log_in("alice").await.unwrap_err();
    assert_refused(
        &refusal,
        Code::SecretAbsent,
        "valetkey secret add sso-client",
    );

    let secret = valetkey_secret::RootSecret::new(zeroize::Zeroizing::new(b"canary".to_vec()));
    world
        .keyring
        .write(&SecretKey::Named(name), secret)
        .await
        .unwrap();
    // Our provider has public clients only, and refuses whoever does not name itself in the form.
    let refusal = world.log_in("alice").await.unwrap_err();
    assert_refused(&refusal, Code::UpstreamRefused, "invalid_client");
}
