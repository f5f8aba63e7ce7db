//! The main job, as its three kinds of people see it.
#![expect(clippy::expect_used, reason = "what fails here fails a test")]

use std::process::Command;

use serde_json::Value;
use valetkey_e2e::{Outcome, Session, World};

/// `curl` on a session's socket.
fn curl(world: &World, session: &Session, arguments: &[&str]) -> Outcome {
    let mut command = Command::new("curl");
    world.surround(&mut command);
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--unix-socket",
        ])
        .arg(&session.socket)
        .args(arguments);
    Outcome::of(&mut command, b"")
}

/// The claims of a token, not verified.
fn claims(token: &str) -> Value {
    let payload = token
        .trim()
        .split('.')
        .nth(1)
        .expect("a JWT has three parts");
    let mut command = Command::new("/usr/bin/python3");
    command.args([
        "-c",
        "import base64,sys; p=sys.argv[1]; print(base64.urlsafe_b64decode(p+'='*(-len(p)%4)).decode())",
        payload,
    ]);
    Outcome::of(&mut command, b"").ok().json()
}

#[test]
fn three_forms_of_one_request_give_the_same_token() {
    let world = World::at_work();
    let session = world.session("coder");

    let grpc = world
        .agent(&session, "token demo-api --scope api:read --ttl 5m")
        .ok()
        .stdout;
    let json = curl(
        &world,
        &session,
        &[
            "--json",
            r#"{"credential":"demo-api","scopes":["api:read"],"lifetime_seconds":300}"#,
            "http://valetkey/v1/token",
        ],
    )
    .ok()
    .json();
    let exchange = curl(
        &world,
        &session,
        &[
            "--data-urlencode",
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange",
            "--data-urlencode",
            "audience=https://api.example.test",
            "--data-urlencode",
            "scope=api:read",
            "http://valetkey/oauth2/token",
        ],
    )
    .ok()
    .json();
    assert_eq!(
        exchange["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    assert_eq!(exchange["token_type"], "Bearer");

    let tokens = [
        grpc.trim(),
        json["access_token"].as_str().expect("a token"),
        exchange["access_token"].as_str().expect("a token"),
    ];
    for token in tokens {
        let claims = claims(token);
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["client_id"], "coder");
        assert_eq!(claims["aud"], "https://api.example.test");
        assert_eq!(claims["scope"], "api:read");
        assert_eq!(claims["sid"], session.id.as_str());
        assert!(
            claims["act"]["sub"]
                .as_str()
                .is_some_and(|act| act.contains(&session.id))
        );
        assert!(claims["jti"].is_string());
    }
    assert_eq!(world.records("token_issued").len(), 3);
}

#[test]
fn what_may_not_be_had_is_refused_with_a_next_step_and_recorded() {
    let world = World::at_work();
    let session = world.session("coder");
    for (arguments, status, code) in [
        ("token demo-api --scope api:admin", 3, "denied"),
        ("token nonesuch --scope api:read", 2, "unknown_credential"),
        ("token demo-api --scope api:rule", 2, "invalid_scope"),
        ("token demo-api", 2, "invalid_scope"),
        (
            "token demo-api --scope api:read --audience https://evil.example.test",
            2,
            "invalid_target",
        ),
    ] {
        let refused = world.agent(&session, arguments);
        assert_eq!(refused.status, status, "{arguments}: {refused:?}");
        assert_eq!(refused.stdout, "", "{arguments}");
        assert!(
            refused.stderr.contains("next: "),
            "{arguments}: {refused:?}"
        );
        let last = world
            .records("token_refused")
            .pop()
            .expect("a refusal is recorded");
        assert_eq!(last["code"], code, "{arguments}");
    }
    for lifetime in ["0", "-1", "-9223372036854775808"] {
        let body = format!(
            r#"{{"credential":"demo-api","scopes":["api:read"],"lifetime_seconds":{lifetime}}}"#
        );
        let refused = curl(
            &world,
            &session,
            &["--json", &body, "http://valetkey/v1/token"],
        )
        .ok();
        assert_eq!(refused.json()["error"], "invalid_request", "{lifetime}");
    }
    let body =
        r#"{"credential":"demo-api","scopes":["api:read"],"lifetime_seconds":9223372036854775807}"#;
    let cut = curl(
        &world,
        &session,
        &["--json", body, "http://valetkey/v1/token"],
    )
    .ok()
    .json();
    assert_eq!(
        cut["expires_in"], 900,
        "cut to the credential's ceiling: {cut}"
    );
}

#[test]
fn an_admin_revokes_and_the_owner_cannot() {
    let world = World::at_work();
    let session = world.session("coder");
    let other = world.session("tester");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();

    let revoke = format!("admin revoke --session {} --reason drill", session.id);
    let owner = world.valetkey(&format!("{revoke} --account default"));
    assert_eq!(
        owner.status, 3,
        "the owner of the machine is no admin: {owner:?}"
    );
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();

    let report = world.valetkey(&format!("{revoke} --account boss")).ok();
    assert!(report.stdout.contains("ms"), "{report:?}");
    let refused = world.agent(&session, "token demo-api --scope api:read");
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.stderr.contains("revoked"), "{refused:?}");
    world.agent(&other, "token demo-api --scope api:read").ok();

    assert_eq!(world.records("admin_refused").len(), 1);
    assert_eq!(world.records("revocation_ordered").len(), 1);
    world.valetkey("audit verify").ok();
}

#[test]
fn sessions_survive_the_broker_however_it_ends() {
    let mut world = World::at_work();
    let session = world.session("coder");
    let ended = world.session("tester");
    world.valetkey(&format!("session end {}", ended.id)).ok();
    world.kill();
    world.start();
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    world.stop();
    world.start();
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    assert_ne!(
        world
            .agent(&ended, "token demo-api --scope api:read")
            .status,
        0
    );
    world.valetkey("audit verify").ok();
}

#[test]
fn tokens_verify_across_a_rotation_of_keys() {
    let mut world = World::at_work();
    let session = world.session("coder");
    let old = world
        .agent(&session, "token demo-api --scope api:read")
        .ok()
        .stdout;
    world.valetkey("keys rotate").ok();
    let new = world
        .agent(&session, "token demo-api --scope api:read")
        .ok()
        .stdout;
    let issuer = claims(&old)["iss"].as_str().expect("an issuer").to_owned();
    for token in [&old, &new] {
        verify(&issuer, token);
    }
    assert_ne!(old.split('.').next(), new.split('.').next(), "another kid");
    world.stop();
}

/// Verifies a token with PyJWT, a library of another language, against the published keys.
fn verify(issuer: &str, token: &str) {
    const VERIFY: &str = r#"
import json, sys, urllib.request, jwt
issuer, token = sys.argv[1:]
meta = json.load(urllib.request.urlopen(issuer + "/.well-known/oauth-authorization-server"))
assert meta["issuer"] == issuer, meta
key = jwt.PyJWKClient(meta["jwks_uri"]).get_signing_key_from_jwt(token)
assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
jwt.decode(token, key.key, algorithms=["EdDSA", "ES256"], issuer=issuer,
           audience="https://api.example.test",
           options={"require": ["exp", "iat", "jti", "sub", "client_id", "aud", "iss"]})
"#;
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", VERIFY, issuer, token.trim()]);
    Outcome::of(&mut command, b"").ok();
}

#[test]
fn a_login_that_ends_suspends_its_sessions_and_a_new_one_wakes_them() {
    let world = World::at_work();
    let session = world.session("coder");
    world.valetkey("logout").ok();
    let refused = world.agent(&session, "token demo-api --scope api:read");
    assert_eq!(refused.status, 5, "{refused:?}");
    assert!(refused.stderr.contains("valetkey login"), "{refused:?}");
    assert_eq!(
        world
            .idp
            .report()
            .live_refresh_tokens
            .get("alice")
            .copied()
            .unwrap_or(0),
        0
    );
    world.login("default", "alice").ok();
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

#[test]
fn somebody_else_does_not_wake_the_sessions() {
    let world = World::at_work();
    let session = world.session("coder");
    world.valetkey("logout").ok();
    world.login("default", "bob").ok();
    assert_eq!(
        world
            .agent(&session, "token demo-api --scope api:read")
            .status,
        5
    );
}

#[test]
fn doctor_and_check_config_tell_what_is_so() {
    let world = World::at_work();
    let doctor = world.valetkey("doctor").ok();
    assert!(doctor.stdout.contains("secret-service"), "{doctor:?}");
    assert!(doctor.stdout.contains("survives a reboot"), "{doctor:?}");

    let mut check = Command::new(valetkey_e2e::program("valetkeyd"));
    let checked = Outcome::of(world.surround(&mut check).arg("--check-config"), b"").ok();
    assert!(checked.stdout.contains(world.idp.issuer()), "{checked:?}");
    world.configure("[sesion]\n");
    let refused = Outcome::of(&mut check, b"");
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("did you mean `session`?"),
        "{refused:?}"
    );
}

#[test]
fn one_broker_per_user() {
    let world = World::at_work();
    let mut second = Command::new(valetkey_e2e::program("valetkeyd"));
    let refused = Outcome::of(world.surround(&mut second), b"");
    assert_ne!(refused.status, 0);
    assert!(
        refused.stderr.contains(&world.broker().pid().to_string()),
        "it names the one that runs: {refused:?}"
    );
    world.valetkey("status").ok();
}
