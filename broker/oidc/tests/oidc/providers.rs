//! Providers that are not ours: `oidc-provider` and `canaille`, each with every flow that it has.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use valetkey_codes::Code;
use valetkey_core::{
    Event, Record, Refusal, SecretName, User,
    ports::{
        LoginBook as _, LoginMethod, LoginRecord, LoginStart, Logins as _, SecretKey,
        SecretStore as _,
    },
    record::SealedRecord,
};
use valetkey_secret::RootSecret;
use zeroize::Zeroizing;

use crate::world::{Desk, account, assert_refused, url};

#[tokio::test]
async fn oidc_provider_from_login_to_logout() {
    let provider = Provider::oidc_provider(0);
    let mut desk = Desk::at(&provider.issuer, |_| ());
    let user = alice(&desk).await;
    assert_eq!(user.id.subject, "alice");
    assert_eq!(user.groups, ["deploy".to_owned(), "dev".to_owned()].into());
    stays_logged_in(&desk, &user).await;
    logs_out_for_good(&mut desk).await;
}

#[tokio::test]
async fn oidc_provider_by_device_code() {
    let provider = Provider::oidc_provider(0);
    let desk = Desk::at(&provider.issuer, |_| ());
    let login = desk
        .logins
        .begin(&account(), LoginMethod::Device)
        .await
        .unwrap();
    let LoginStart::Device { user_code, .. } = &login.start else {
        panic!("{:?}", login.start)
    };
    browse(&[
        "--user",
        "bob",
        "--device-code",
        user_code,
        url(&login.start),
    ])
    .await
    .unwrap();
    let user = login.done.await.unwrap();
    assert_eq!(user.id.subject, "bob");
    stays_logged_in(&desk, &user).await;
}

#[tokio::test]
async fn oidc_provider_tells_that_the_person_said_no() {
    let provider = Provider::oidc_provider(0);
    let desk = Desk::at(&provider.issuer, |_| ());
    let refusal = denied(&desk).await;
    assert_refused(&refusal, Code::LoginRefused, "denied");
}

#[tokio::test]
async fn oidc_provider_ends_the_family_of_a_token_used_twice() {
    let provider = Provider::oidc_provider(0);
    let mut desk = Desk::at(&provider.issuer, |_| ());
    alice(&desk).await;
    let second = use_the_first_token_twice(&mut desk).await;
    assert_eq!(second, Err(Code::LoginExpired), "RFC 9700 section 4.14.2");
}

#[tokio::test]
async fn oidc_provider_takes_a_confidential_client() {
    let provider = Provider::oidc_provider(0);
    let name = SecretName::parse("sso-client").unwrap();
    let desk = Desk::at(&provider.issuer, |config| {
        config.client_id = "oidc-agent".into();
        config.client_secret_key = Some(name.clone());
    });
    let secret = RootSecret::new(Zeroizing::new(b"oidc-agent-secret".to_vec()));
    desk.keyring
        .write(&SecretKey::Named(name), secret)
        .await
        .unwrap();
    let user = alice(&desk).await;
    stays_logged_in(&desk, &user).await;
    let report = desk.logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
}

/// Its keys and its memory go with the process: an unknown `kid`, and `invalid_grant`.
#[tokio::test]
async fn oidc_provider_starts_anew_with_other_keys() {
    let provider = Provider::oidc_provider(0);
    let desk = Desk::at(&provider.issuer, |_| ());
    alice(&desk).await;
    let port = provider.port();
    drop(provider);
    let _provider = Provider::oidc_provider(port);
    desk.clock.pass_seconds(10);
    let refusal = desk.within(0).await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "invalid_grant");
    assert!(desk.told.last().starts_with("ended"));
    assert_eq!(alice(&desk).await.id.subject, "alice");
}

#[tokio::test]
async fn canaille_from_login_to_logout() {
    let (provider, redirect) = Provider::canaille();
    let desk = Desk::at(&provider.issuer, |config| {
        config.redirect_port = Some(redirect)
    });
    let user = alice(&desk).await;
    assert!(
        user.groups.contains("dev") && user.groups.contains("deploy"),
        "{user:?}"
    );
    stays_logged_in(&desk, &user).await;
    // It takes revocations from confidential clients only; what is local is done.
    let report = desk.logins.end(&account()).await.unwrap();
    let why = report.revoked_at_provider.unwrap_err();
    assert!(why.contains("refused"), "{why}");
    assert_eq!(desk.kept(), None);
}

#[tokio::test]
async fn canaille_refuses_a_token_used_twice_and_no_more() {
    let (provider, redirect) = Provider::canaille();
    let mut desk = Desk::at(&provider.issuer, |config| {
        config.redirect_port = Some(redirect)
    });
    alice(&desk).await;
    let second = use_the_first_token_twice(&mut desk).await;
    assert_eq!(second, Ok(()), "it does not end the family");
}

#[tokio::test]
async fn canaille_tells_that_the_person_said_no() {
    let (provider, redirect) = Provider::canaille();
    let desk = Desk::at(&provider.issuer, |config| {
        config.redirect_port = Some(redirect)
    });
    let refusal = denied(&desk).await;
    assert_refused(&refusal, Code::LoginRefused, "denied");
}

#[tokio::test]
async fn canaille_has_no_device_flow_and_that_is_told() {
    let (provider, _) = Provider::canaille();
    let desk = Desk::at(&provider.issuer, |_| ());
    let begun = desk.logins.begin(&account(), LoginMethod::Device).await;
    assert_refused(
        &begun.err().unwrap(),
        Code::UpstreamRefused,
        "without `--device`",
    );
}

async fn alice(desk: &Desk) -> User {
    let login = desk
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    browse(&["--user", "alice", url(&login.start)])
        .await
        .unwrap();
    login.done.await.unwrap()
}

async fn denied(desk: &Desk) -> Refusal {
    let login = desk
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    browse(&["--user", "alice", "--deny", url(&login.start)])
        .await
        .unwrap_err();
    login.done.await.unwrap_err()
}

/// Two renewals, each with the token that the one before gave.
async fn stays_logged_in(desk: &Desk, user: &User) {
    for _ in 0..2 {
        let before = desk.kept();
        // Within what clocks may differ by, for the provider's does not move.
        desk.clock.pass_seconds(10);
        next_second().await;
        assert_eq!(desk.within(5).await.as_ref(), Ok(user));
        assert_ne!(desk.kept(), before, "it rotates");
    }
}

/// The login ends, whatever the provider makes of the token that was good until then: that is given.
async fn use_the_first_token_twice(desk: &mut Desk) -> Result<(), Code> {
    let first = desk.kept().unwrap();
    desk.clock.pass_seconds(10);
    next_second().await;
    desk.within(0).await.unwrap();
    let second = desk.kept().unwrap();
    // The keyring was copied back from yesterday.
    desk.plant(first).await;
    desk.clock.pass_seconds(10);
    let refusal = desk.within(0).await.unwrap_err();
    assert_refused(&refusal, Code::LoginExpired, "invalid_grant");
    let login = desk.book.load().await.unwrap().remove(0);
    is_good(desk, login, second).await
}

async fn logs_out_for_good(desk: &mut Desk) {
    let token = desk.kept().unwrap();
    let login = desk.book.load().await.unwrap().remove(0);
    let report = desk.logins.end(&account()).await.unwrap();
    assert_eq!(report.revoked_at_provider, Ok(()));
    assert_eq!(desk.kept(), None);
    assert_eq!(is_good(desk, login, token).await, Err(Code::LoginExpired));
}

/// Whether the provider takes this refresh token, asked by a broker whose book knows the login.
async fn is_good(desk: &mut Desk, login: LoginRecord, token: Vec<u8>) -> Result<(), Code> {
    let record = Record {
        at: 0,
        request: None,
        session: None,
        event: Event::BrokerStopped,
    };
    let login = LoginRecord {
        dead: None,
        confirmed: 0,
        ..login
    };
    desk.book
        .save(login, SealedRecord::new(record).unwrap())
        .await
        .unwrap();
    desk.plant(token).await;
    desk.restart().await;
    next_second().await;
    let outcome = desk.within(0).await;
    outcome.map(drop).map_err(|refusal| refusal.code())
}

/// Waits for the wall clock, which is the event: `canaille` cannot make two tokens for one user in one
/// second, because nothing in them would differ, and answers with status 500.
async fn next_second() {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let rest = 1_000_000_000 - since.subsec_nanos();
    tokio::time::sleep(std::time::Duration::from_nanos(rest.into())).await;
}

/// Clicks what a person would click.
async fn browse(arguments: &[&str]) -> Result<(), String> {
    let browser = folder().join("browser.py");
    let output = tokio::process::Command::new("/usr/bin/python3")
        .arg("-I")
        .arg(browser)
        .args(arguments)
        .output()
        .await
        .unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers")
}

/// A provider's process. Dropping it ends the process and waits.
struct Provider {
    issuer: String,
    process: Child,
    state: TempDir,
}

impl Provider {
    fn oidc_provider(port: u16) -> Self {
        Self::start("oidc-provider", &[port])
    }

    /// It compares the redirect with its port, so the port is chosen before.
    fn canaille() -> (Self, u16) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let redirect = free.local_addr().unwrap().port();
        drop(free);
        (Self::start("canaille", &[0, redirect]), redirect)
    }

    fn start(name: &str, ports: &[u16]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut process = Command::new(folder().join(name).join("start"))
            .arg(state.path())
            .args(ports.iter().map(u16::to_string))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let Some(issuer) = line.trim().strip_prefix("ready ") else {
            let _ = process.kill();
            let log = std::fs::read_to_string(state.path().join("log")).unwrap_or_default();
            panic!("{name} did not start; has tests/provision/test.sh run? {line}{log}");
        };
        Self {
            issuer: issuer.to_owned(),
            process,
            state,
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.state.path().join("log")).unwrap_or_default()
    }

    fn port(&self) -> u16 {
        url::Url::parse(&self.issuer).unwrap().port().unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let _ = std::io::stderr().write_all(self.log().as_bytes());
        }
    }
}
