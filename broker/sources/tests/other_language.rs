//! Tokens and keys, as a resource server in another language reads them: PyJWT on OpenSSL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test"
)]

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
    time::SystemTime,
};

use serde_json::{Value, json};
use valetkey_core::{
    Algorithm,
    ports::{Clock as _, Keys as _, PublicKey, Sources as _},
};
use valetkey_secret::Destination;
use valetkey_sources::{KeptSource, Registry, SignedSource, SigningKeys, SigningPlan};
use valetkey_support::{
    MovableClock,
    contracts::sources::{Scene, fresh_lease},
    fakes::{ledger::MemoryLedger, secret_store::FakeSecretStore},
};

const ISSUER: &str = "http://127.0.0.1:8425";

/// Prints the claims of the token, or why it does not count.
const VERIFY: &str = r#"
import json, sys
try:
    import jwt, cryptography
except ImportError as missing:
    sys.exit(f"{missing}: run tests/provision/test.sh")
asked = json.load(sys.stdin)
keys = jwt.PyJWKSet.from_dict({"keys": asked["keys"]}).keys
token = asked["token"]
header = jwt.get_unverified_header(token)
assert header["typ"] == "at+jwt", header
[key] = [key for key in keys if key.key_id == header["kid"]]
try:
    claims = jwt.decode(token, key.key, algorithms=[asked["algorithm"]], audience=asked["audience"],
        issuer=asked["issuer"],
        options={"require": ["exp", "iat", "jti", "sub", "client_id", "aud", "iss"]})
except jwt.InvalidTokenError as error:
    claims = {"refused": type(error).__name__}
json.dump(claims, sys.stdout)
"#;

struct World {
    clock: Arc<MovableClock>,
    keys: Arc<SigningKeys>,
    sources: Registry,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(MovableClock::default());
        clock.change(|now| now.unix_ms = real_time());
        let plan = SigningPlan {
            algorithms: vec![Algorithm::EdDSA, Algorithm::ES256],
            rotate_after: 86_400,
        };
        let store = Arc::new(FakeSecretStore::default());
        let keys = Arc::new(SigningKeys::new(
            Arc::clone(&store) as _,
            Arc::new(MemoryLedger::default()),
            clock.clone(),
            plan,
        ));
        let signed = SignedSource::new(ISSUER.to_owned(), keys.clone());
        let sources = Registry::new(signed, KeptSource::new(store));
        Self {
            clock,
            keys,
            sources,
        }
    }

    async fn token(&self, algorithm: Algorithm) -> String {
        let now = self.clock.now();
        let mut scene = Scene::new(now);
        scene.credential.algorithm = algorithm;
        let permit = scene.permit(now);
        let token = self.sources.obtain(&permit, fresh_lease(now), now).await;
        let bytes = token
            .unwrap()
            .disclose(Destination::AgentReply, <[u8]>::to_vec);
        String::from_utf8(bytes).unwrap()
    }

    async fn question(&self, algorithm: Algorithm) -> Value {
        let keys = self.keys.public().await.unwrap();
        json!({
            "token": self.token(algorithm).await,
            "keys": keys.iter().map(jwk).collect::<Vec<_>>(),
            "algorithm": algorithm.id(),
            "audience": "https://orders.example.test",
            "issuer": ISSUER,
        })
    }
}

fn jwk(key: &PublicKey) -> Value {
    let (kty, crv) = match key.algorithm {
        Algorithm::EdDSA => ("OKP", "Ed25519"),
        Algorithm::ES256 => ("EC", "P-256"),
    };
    let mut jwk = json!({
        "kty": kty, "crv": crv, "kid": key.kid, "alg": key.algorithm.id(), "use": "sig", "x": key.x,
    });
    let members = jwk.as_object_mut().unwrap();
    members.extend(key.y.iter().map(|y| ("y".to_owned(), json!(y))));
    jwk
}

#[expect(
    clippy::disallowed_methods,
    reason = "the other library looks at the real clock"
)]
fn real_time() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis().try_into().unwrap()
}

fn python(question: &Value) -> Value {
    let mut verifier = Command::new("/usr/bin/python3")
        .args(["-I", "-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 is missing: run tests/provision/test.sh");
    let mut input = verifier.stdin.take().unwrap();
    input.write_all(question.to_string().as_bytes()).unwrap();
    drop(input);
    let output = verifier.wait_with_output().unwrap();
    assert!(output.status.success(), "it says why above");
    serde_json::from_slice(&output.stdout).unwrap()
}

const BOTH: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::ES256];

#[tokio::test]
async fn another_language_reads_the_claims() {
    let world = World::new();
    for algorithm in BOTH {
        let claims = python(&world.question(algorithm).await);
        let now = world.clock.now().unix_seconds();
        assert_eq!(claims["sub"], "alice", "{claims}");
        assert_eq!(claims["sub_id"]["iss"], "https://id.example.test");
        assert_eq!(
            claims["act"]["sub"],
            format!("session:{}", claims["sid"].as_str().unwrap())
        );
        assert_eq!(claims["client_id"], "coder");
        assert_eq!(claims["scope"], "read");
        assert_eq!(claims["iat"], now);
        assert_eq!(claims["exp"], now + 600);
    }
}

#[tokio::test]
async fn another_language_reads_them_after_a_rotation_too() {
    let world = World::new();
    for algorithm in BOTH {
        let mut question = world.question(algorithm).await;
        world.keys.rotate().await.unwrap();
        question["keys"] = world.question(algorithm).await["keys"].clone();
        assert_eq!(python(&question)["sub"], "alice");
    }
}

#[tokio::test]
async fn another_language_refuses_what_does_not_count() {
    let world = World::new();
    for algorithm in BOTH {
        let good = world.question(algorithm).await;
        let with = |key: &str, value: Value| {
            let mut question = good.clone();
            question[key] = value;
            python(&question)["refused"].clone()
        };
        let other_audience = with("audience", json!("https://other.example.test"));
        assert_eq!(other_audience, "InvalidAudienceError");
        assert_eq!(
            with("issuer", json!("https://other.example.test")),
            "InvalidIssuerError"
        );
        let (rest, signature) = good["token"].as_str().unwrap().rsplit_once('.').unwrap();
        let swapped: String = signature.chars().rev().collect();
        let token = format!("{rest}.{swapped}");
        assert_eq!(with("token", json!(token)), "InvalidSignatureError");
        let mut other_key = World::new().question(algorithm).await;
        let kid = |question: &Value, at: usize| question["keys"][at]["kid"].clone();
        for at in 0..BOTH.len() {
            other_key["keys"][at]["kid"] = kid(&good, at);
        }
        assert_eq!(
            with("keys", other_key["keys"].clone()),
            "InvalidSignatureError"
        );

        world.clock.change(|now| now.unix_ms -= 601_000);
        let late = python(&world.question(algorithm).await)["refused"].clone();
        assert_eq!(late, "ExpiredSignatureError");
        world.clock.change(|now| now.unix_ms += 601_000);
    }
}
