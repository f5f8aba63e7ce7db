//! What resource servers ask and are answered.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use valetkey_api::{Limits, serve_verifier};

use crate::{
    house::House,
    wire::{Answer, say},
};

struct Verifier {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

async fn verifier(house: &House) -> Verifier {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (broker, stopped) = (house.broker.clone(), stop.clone().cancelled_owned());
    let task = tokio::spawn(async move {
        let issuer = format!("http://{address}");
        serve_verifier(listener, broker, &issuer, Limits::verifier(), stopped).await
    });
    Verifier {
        address,
        stop,
        task,
    }
}

impl Verifier {
    async fn ask(&self, method: &str, path: &str, host: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\norigin: null\r\n\r\n");
        say(&mut stream, request.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.address.to_string()).await
    }
}

#[tokio::test]
async fn metadata_and_keys() {
    let house = House::new().await;
    let verifier = verifier(&house).await;
    let issuer = format!("http://{}", verifier.address);

    let metadata = verifier
        .get("/.well-known/oauth-authorization-server")
        .await;
    assert!(
        metadata.has("content-type: application/json"),
        "{}",
        metadata.head
    );
    let fields = metadata.json();
    assert_eq!(fields["issuer"], issuer);
    assert_eq!(fields["jwks_uri"], format!("{issuer}/jwks.json"));
    assert_eq!(fields["response_types_supported"], serde_json::json!([]));
    assert!(fields.get("token_endpoint").is_none());

    let keys = verifier.get("/jwks.json").await;
    assert!(
        keys.has("cache-control: public, max-age=300"),
        "{}",
        keys.head
    );
    assert!(
        !keys.head.contains("access-control-allow"),
        "no page may read it"
    );
    assert_eq!(
        keys.json(),
        serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": "eHg", "use": "sig", "alg": "EdDSA",
             "kid": "kid-EdDSA"},
            {"kty": "EC", "crv": "P-256", "x": "eHg", "y": "eXk", "use": "sig", "alg": "ES256",
             "kid": "kid-ES256"},
        ]})
    );
    assert_eq!(verifier.get("/healthz").await.body, b"ok\n");
    let head = verifier
        .ask("HEAD", "/jwks.json", &verifier.address.to_string())
        .await;
    assert_eq!(head.status, 200);
}

#[tokio::test]
async fn nothing_else_and_nobody_elses_name() {
    let house = House::new().await;
    let verifier = verifier(&house).await;
    let own = verifier.address.to_string();
    let rebound = format!("evil.test:{}", verifier.address.port());
    assert_eq!(
        verifier.ask("GET", "/jwks.json", &rebound).await.status,
        400
    );
    assert_eq!(verifier.ask("POST", "/jwks.json", &own).await.status, 405);
    assert_eq!(
        verifier.ask("OPTIONS", "/jwks.json", &own).await.status,
        405
    );
    for path in [
        "/",
        "/oauth2/token",
        "/v1/token",
        "/v1/session",
        "//jwks.json",
    ] {
        assert_eq!(verifier.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn it_opens_on_the_loopback_interface_only_and_stops() {
    let house = House::new().await;
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let never = std::future::pending();
    let served = serve_verifier(
        everywhere,
        house.broker.clone(),
        "http://127.0.0.1:1",
        Limits::verifier(),
        never,
    );
    assert!(served.await.is_err());

    let verifier = verifier(&house).await;
    assert_eq!(verifier.get("/healthz").await.status, 200);
    verifier.stop.cancel();
    verifier.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(verifier.address).await.is_err());
}
