use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ring::hmac;
use serde_json::{Value, json};
use valetkey_core::{
    Algorithm, LeaseId, Moment, ScopeSet,
    ports::{Clock as _, Effect, Keys as _, SourceError, Sources, StoreError},
};
use valetkey_secret::Destination;
use valetkey_support::{
    MovableClock,
    contracts::sources::{Scene, Stage, fresh_lease, suite},
    fakes::{ledger::MemoryLedger, secret_store::FakeSecretStore},
};

use super::{SignedSource, Unverified, Verifier};
use crate::{Registry, SigningKeys, SigningPlan, install};

const ISSUER: &str = "http://127.0.0.1:8425";
const ORDERS: &str = "https://orders.example.test";

struct World {
    store: Arc<FakeSecretStore>,
    clock: Arc<MovableClock>,
    keys: Arc<SigningKeys>,
    sources: Registry,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(FakeSecretStore::default());
        let clock = Arc::new(MovableClock::default());
        let plan = SigningPlan {
            algorithms: vec![Algorithm::EdDSA, Algorithm::ES256],
            rotate_after: 86_400,
        };
        let keys = Arc::new(SigningKeys::new(
            store.clone(),
            Arc::new(MemoryLedger::default()),
            clock.clone(),
            plan,
        ));
        let signed = SignedSource::new(ISSUER.to_owned(), keys.clone());
        Self {
            sources: Registry::new(signed, crate::KeptSource::new(Arc::clone(&store) as _)),
            store,
            clock,
            keys,
        }
    }

    fn scene(&self, algorithm: Algorithm) -> Scene {
        let mut scene = Scene::new(self.clock.now());
        scene.credential.algorithm = algorithm;
        scene
    }

    async fn token(&self, scene: &Scene) -> (LeaseId, String) {
        let now = self.clock.now();
        let lease = fresh_lease(now);
        let permit = scene.permit(now);
        let token = self.sources.obtain(&permit, lease, now).await.unwrap();
        let text = token.disclose(Destination::AgentReply, <[u8]>::to_vec);
        (lease, String::from_utf8(text).unwrap())
    }

    async fn verifier(&self) -> Verifier {
        install();
        Verifier::new(ISSUER, &self.keys.public().await.unwrap()).unwrap()
    }

    fn seconds(&self) -> u64 {
        self.clock.now().unix_seconds()
    }
}

impl Stage for World {
    fn sources(&self) -> &dyn Sources {
        &self.sources
    }
    fn read(&self, token: &str) -> (LeaseId, u64) {
        let claims = part(token, 1);
        let jti = claims["jti"].as_str().unwrap();
        (
            LeaseId::parse(jti).unwrap(),
            claims["exp"].as_u64().unwrap(),
        )
    }
}

fn part(token: &str, position: usize) -> Value {
    let text = token.split('.').nth(position).unwrap();
    serde_json::from_slice(&BASE64URL.decode(text).unwrap()).unwrap()
}

const BOTH: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::ES256];

#[tokio::test]
async fn keeps_the_contract() {
    suite(World::new, MovableClock::default().now()).await;
}

#[tokio::test]
async fn a_token_says_who_acts_for_whom_and_no_more() {
    let world = World::new();
    for algorithm in BOTH {
        let (lease, token) = world.token(&world.scene(algorithm)).await;
        let kid = part(&token, 0)["kid"].clone();
        let expected = json!({"typ": "at+jwt", "alg": algorithm.id(), "kid": kid});
        assert_eq!(part(&token, 0), expected);
        let session = "0198c0de00007000800000000000000f";
        let now = world.seconds();
        let expected = json!({
            "iss": ISSUER,
            "sub": "alice",
            "sub_id": {"format": "iss_sub", "iss": "https://id.example.test", "sub": "alice"},
            "act": {"sub": format!("session:{session}")},
            "client_id": "coder",
            "aud": ORDERS,
            "scope": "read",
            "sid": session,
            "jti": lease.to_string(),
            "iat": now,
            "exp": now + 600,
        });
        assert_eq!(part(&token, 1), expected);
    }
}

#[tokio::test]
async fn scopes_are_one_string_or_left_out() {
    let world = World::new();
    let mut scene = world.scene(Algorithm::EdDSA);
    scene.ask.scopes = vec!["write".to_owned(), "read".to_owned()];
    assert_eq!(part(&world.token(&scene).await.1, 1)["scope"], "read write");
    scene.ask.scopes.clear();
    scene.credential.scopes = ScopeSet::default();
    assert_eq!(part(&world.token(&scene).await.1, 1).get("scope"), None);
}

#[tokio::test]
async fn tokens_verify_until_their_end() {
    let world = World::new();
    for algorithm in BOTH {
        let (lease, token) = world.token(&world.scene(algorithm)).await;
        let verifier = world.verifier().await;
        let verify = |audience, now| verifier.verify(token.as_bytes(), audience, now);
        let end = world.seconds() + 600;
        assert_eq!(verify(ORDERS, end - 1).unwrap().jti, lease.to_string());
        assert!(matches!(verify(ORDERS, end), Err(Unverified::Expired)));
        assert!(verify("https://other.example.test", end - 1).is_err());
        let keys = world.keys.public().await.unwrap();
        let elsewhere = Verifier::new("https://elsewhere.example.test", &keys).unwrap();
        assert!(elsewhere.verify(token.as_bytes(), ORDERS, end - 1).is_err());
    }
}

#[tokio::test]
async fn tokens_outlive_the_rotation_of_their_key() {
    let world = World::new();
    let mut scene = world.scene(Algorithm::EdDSA);
    scene.session.deadline = world.clock.now().after(86_400);
    scene.ask.lifetime = Some(3600);
    let (_, token) = world.token(&scene).await;
    world.keys.rotate().await.unwrap();
    let end = world.seconds() + 3600;
    world.clock.pass_seconds(3599);
    let verifier = world.verifier().await;
    assert!(verifier.verify(token.as_bytes(), ORDERS, end - 1).is_ok());
    let (_, young) = world.token(&scene).await;
    assert_ne!(part(&token, 0)["kid"], part(&young, 0)["kid"]);

    world.clock.pass_seconds(600);
    let verifier = world.verifier().await;
    let gone = verifier.verify(token.as_bytes(), ORDERS, end - 1);
    assert!(matches!(gone, Err(Unverified::UnknownKey)));
    assert!(verifier.verify(young.as_bytes(), ORDERS, end).is_ok());
}

/// What a verifier that trusts the token's own header would take.
#[tokio::test]
async fn no_token_talks_a_verifier_into_another_algorithm() {
    let world = World::new();
    let verifier = world.verifier().await;
    let now = world.seconds();
    for algorithm in BOTH {
        let (_, good) = world.token(&world.scene(algorithm)).await;
        assert!(verifier.verify(good.as_bytes(), ORDERS, now).is_ok());
        let keys = world.keys.public().await.unwrap();
        let key = keys.iter().find(|key| key.algorithm == algorithm).unwrap();
        let x = BASE64URL.decode(&key.x).unwrap();
        let jwk = serde_json::to_vec(&json!({"x": key.x})).unwrap();
        let other = BOTH.into_iter().find(|other| *other != algorithm).unwrap();
        let mut bad = vec![
            forged(
                &good,
                &json!({"typ": "at+jwt", "alg": "none", "kid": key.kid}),
                |_| Vec::new(),
            ),
            forged(
                &good,
                &json!({"typ": "at+jwt", "alg": other.id(), "kid": key.kid}),
                |_| signature_of(&good),
            ),
            forged(
                &good,
                &json!({"typ": "JWT", "alg": algorithm.id(), "kid": key.kid}),
                |_| signature_of(&good),
            ),
            forged(
                &good,
                &json!({"typ": "at+jwt", "alg": algorithm.id()}),
                |_| signature_of(&good),
            ),
            forged(
                &good,
                &json!({"typ": "at+jwt", "alg": algorithm.id(), "kid": "other"}),
                |_| signature_of(&good),
            ),
            // A byte of the claims, and of the signature.
            good.replacen(".eyJpc3Mi", ".eyJpc3Nj", 1),
            with_another_signature(&good),
            String::new(),
            good.rsplit_once('.').unwrap().0.to_owned(),
        ];
        let held = world
            .keys
            .signing(algorithm, world.clock.now())
            .await
            .unwrap();
        let truly_signed = |message: &[u8]| held.signing.sign(message).unwrap().as_ref().to_vec();
        for typ in ["JWT", "at+jwt2", "id+jwt"] {
            let header = json!({"typ": typ, "alg": algorithm.id(), "kid": key.kid});
            bad.push(forged(&good, &header, truly_signed));
        }
        for secret in [x.as_slice(), key.x.as_bytes(), &jwk] {
            let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": key.kid});
            bad.push(forged(&good, &header, |message| {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&secret, message).as_ref().to_vec()
            }));
        }
        for token in bad {
            assert_ne!(token, good);
            assert!(
                verifier.verify(token.as_bytes(), ORDERS, now).is_err(),
                "{token}"
            );
        }
    }
}

fn forged(good: &str, header: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let claims = good.split('.').nth(1).unwrap();
    let header = BASE64URL.encode(serde_json::to_vec(header).unwrap());
    let message = format!("{header}.{claims}");
    let signature = BASE64URL.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn with_another_signature(token: &str) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    let mut signature = signature_of(token);
    signature[0] ^= 1;
    format!("{message}.{}", BASE64URL.encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    BASE64URL.decode(token.rsplit('.').next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_that_has_just_ended_gets_nothing() {
    let world = World::new();
    let now = world.clock.now();
    let mut scene = world.scene(Algorithm::EdDSA);
    scene.session.deadline = now.after(5);
    let permit = scene.permit(now);
    world.clock.pass_seconds(5);
    let now = world.clock.now();
    let refused = world.sources.obtain(&permit, fresh_lease(now), now).await;
    assert!(matches!(refused, Err(SourceError::Failed(_))));
}

#[tokio::test]
async fn setting_the_clock_back_grows_no_token() {
    let world = World::new();
    let mut scene = world.scene(Algorithm::EdDSA);
    scene.session.deadline = world.clock.now().after(100);
    let end = world.seconds() + 100;
    world.clock.change(|now| {
        *now = Moment {
            unix_ms: now.unix_ms - 1_000_000,
            boot_us: now.boot_us + 60_000_000,
            boot: now.boot,
        };
    });
    let claims = part(&world.token(&scene).await.1, 1);
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 40, "what the session has left");
    assert!(claims["exp"].as_u64().unwrap() < end);
}

#[tokio::test]
async fn a_locked_keyring_refuses_and_is_asked_again() {
    let world = World::new();
    let now = world.clock.now();
    let permit = world.scene(Algorithm::EdDSA).permit(now);
    world.store.fail_with(StoreError::Locked);
    let refused = world.sources.obtain(&permit, fresh_lease(now), now).await;
    assert!(matches!(
        refused,
        Err(SourceError::Secret(StoreError::Locked))
    ));
    world.store.fail_with(None);
    assert!(
        world
            .sources
            .obtain(&permit, fresh_lease(now), now)
            .await
            .is_ok()
    );
}

#[test]
fn signing_changes_nothing_outside() {
    let world = World::new();
    let effect = world.sources.effect(valetkey_core::SourceKind::Signed);
    assert_eq!(effect, Effect::Local);
}
