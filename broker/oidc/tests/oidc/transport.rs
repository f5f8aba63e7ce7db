//! What a provider, or whoever sits between, can do to the connection itself.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    ports::{LoginMethod, Logins as _},
};

use crate::world::{Desk, account, assert_refused, url};

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = elsewhere.local_addr().unwrap();
    let answer =
        format!("HTTP/1.1 302 Found\r\nLocation: http://{target}/\r\nContent-Length: 0\r\n\r\n");
    let refusal = begin_at(answer.into_bytes(), true).await;
    assert_refused(&refusal, Code::UpstreamUnavailable, "status 302");
    let visited = elsewhere.accept();
    tokio::pin!(visited);
    assert!(futures_pending(&mut visited).await, "nobody came");
}

#[tokio::test]
async fn broken_answers_are_told_as_such() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let cases = [
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "the connection broke"),
        (
            format!("{head}Content-Length: 100\r\n\r\n{{\"iss"),
            "the connection broke",
        ),
        (
            format!("{head}Content-Length: 2\r\n\r\n{{}}"),
            "cannot be read",
        ),
        (
            format!("{head}Content-Length: 4\r\n\r\nnull"),
            "cannot be read",
        ),
        (
            format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20)),
            "the connection broke",
        ),
        (String::new(), "the connection broke"),
    ];
    for (answer, words) in cases {
        let shown: String = answer.chars().take(80).collect();
        let refusal = begin_at(answer.into_bytes(), true).await;
        assert_eq!(refusal.code(), Code::UpstreamUnavailable, "{shown}");
        assert!(
            refusal.message().contains(words),
            "{shown}: {}",
            refusal.message()
        );
    }
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_off() {
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec();
    let refusal = begin_at(begun, false).await;
    assert_refused(&refusal, Code::UpstreamUnavailable, "no answer within 1 s");
}

/// TLS by ring, with the system's roots and with a company's own; nobody installed a process default.
#[tokio::test]
async fn a_certificate_is_believed_only_with_its_root() {
    let company = Company::found();
    let doubting = Desk::at(&company.issuer, |_| ());
    let begun = doubting.logins.begin(&account(), LoginMethod::Code).await;
    assert_refused(
        &begun.err().unwrap(),
        Code::UpstreamUnavailable,
        "unknownissuer",
    );

    let trusting = Desk::at(&company.issuer, |config| {
        config.extra_ca = Some(company.folder.path().join("ca.pem"));
    });
    let login = trusting
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    assert!(url(&login.start).starts_with(&format!("{}/authorize?", company.issuer)));

    // The same server by a name that is not in its certificate.
    let other = company.issuer.replace("127.0.0.1", "localhost");
    let misled = Desk::at(&other, |config| {
        config.extra_ca = Some(company.folder.path().join("ca.pem"));
    });
    let begun = misled.logins.begin(&account(), LoginMethod::Code).await;
    assert_refused(
        &begun.err().unwrap(),
        Code::UpstreamUnavailable,
        "not valid for name",
    );
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    for content in ["", "not a certificate"] {
        std::fs::write(&path, content).unwrap();
        let error = refused_ca(&path);
        assert!(error.contains("holds no certificate"), "{error}");
    }
    let missing = refused_ca(&folder.path().join("missing.pem"));
    assert!(missing.contains("provider.extra_ca"), "{missing}");
}

fn refused_ca(path: &Path) -> String {
    use std::sync::Arc;
    use valetkey_support::{CountingEntropy, MovableClock, fakes};
    let issuer = valetkey_oidc::Issuer::parse("https://127.0.0.1:1").unwrap();
    let mut config = valetkey_oidc::ProviderConfig::new(issuer, "valetkey");
    config.extra_ca = Some(path.to_owned());
    let ledger = Arc::new(fakes::ledger::MemoryLedger::default());
    let logins = valetkey_oidc::OidcLogins::new(
        config,
        Arc::new(fakes::secret_store::FakeSecretStore::default()),
        Arc::new(fakes::logins::MemoryLoginBook::new(Arc::clone(&ledger) as _)),
        ledger,
        Arc::new(MovableClock::default()),
        Arc::new(CountingEntropy::default()),
    );
    logins.err().unwrap().to_string()
}

/// Begins a login at a provider that answers everything with these bytes, and then closes or not.
async fn begin_at(answer: Vec<u8>, close: bool) -> Refusal {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let server: JoinHandle<()> = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer).await;
            if !close {
                open.push(stream);
            }
        }
    });
    let desk = Desk::at(&issuer, |config| config.request_timeout_seconds = 1);
    let begun = desk.logins.begin(&account(), LoginMethod::Code).await;
    server.abort();
    begun.err().unwrap()
}

/// Whether a future is not ready when asked once.
async fn futures_pending(future: &mut (impl Future + Unpin)) -> bool {
    use std::{pin::Pin, task::Poll};
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// A company with a certificate authority of its own, whose provider publishes its metadata over TLS
/// and can do nothing else. Dropping it ends the server.
struct Company {
    issuer: String,
    folder: tempfile::TempDir,
    server: Child,
    /// Open, or the server ends at its next word.
    _output: BufReader<ChildStdout>,
}

impl Company {
    fn found() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let issuer = format!("https://127.0.0.1:{port}");
        let openssl = |arguments: &str| {
            let output = Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(&folder)
                .output()
                .expect("openssl is missing; run tests/provision/test.sh");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=company -days 2"
        ));
        openssl(&format!(
            "req -x509 {key} -keyout leaf.key -out leaf.pem -subj /CN=provider -days 2 -CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
        ));
        let metadata = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
        })
        .to_string();
        let well_known = folder.path().join(".well-known");
        std::fs::create_dir(&well_known).unwrap();
        std::fs::write(
            well_known.join("openid-configuration"),
            format!(
                "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{metadata}",
                metadata.len()
            ),
        )
        .unwrap();
        let mut server = Command::new("openssl")
            .args([
                "s_server", "-HTTP", "-cert", "leaf.pem", "-key", "leaf.key", "-accept",
            ])
            .arg(format!("127.0.0.1:{port}"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let listens = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "ACCEPT");
        assert!(listens, "openssl s_server did not start");
        Self {
            issuer,
            folder,
            server,
            _output: output,
        }
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
