//! The main job with OpenID providers that are not ours, from the command line to the provider's books.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails in a helper fails the test"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use valetkey_e2e::{Outcome, World, repository};

/// How often an admin asks, at most, until the provider's word is old enough to be asked for again. It
/// is after a second; each asking takes tens of milliseconds.
const ASKINGS: usize = 500;

#[test]
fn the_main_job_with_oidc_provider() {
    let provider = Provider::oidc_provider();
    let world = the_main_job(&provider);
    let token = refresh_token(&world, "default").expect("it is in the keyring");
    let logout = world.valetkey("logout --json").ok().json();
    assert_eq!(logout["provider_problem"], Value::Null, "{logout}");
    assert_eq!(refresh_token(&world, "default"), None, "it is wiped");
    assert_eq!(
        provider.redeem(&token)["error"],
        "invalid_grant",
        "it is revoked at the provider"
    );
}

#[test]
fn the_main_job_with_canaille() {
    let provider = Provider::canaille();
    let world = the_main_job(&provider);
    let token = refresh_token(&world, "default").expect("it is in the keyring");
    // It takes revocations from confidential clients only.
    let logout = world.valetkey("logout").ok();
    assert!(
        logout.stdout.contains("did not confirm the revocation"),
        "{logout:?}"
    );
    assert_eq!(
        refresh_token(&world, "default"),
        None,
        "it is wiped all the same"
    );
    // Not twice in one second, for its tokens would be the same: the answer is status 500.
    let mut answers = (0..ASKINGS).map(|_| provider.redeem(&token));
    let redeemed = answers.find(|answer| answer["error"] != "internal_server_error");
    let redeemed = redeemed.expect("an answer");
    assert_eq!(
        redeemed["token_type"], "Bearer",
        "which matters, for it was good: {redeemed}"
    );
}

#[test]
fn by_device_code_with_oidc_provider() {
    let provider = Provider::oidc_provider();
    let world = provider.world();
    let mut login = world.command(["login", "--device", "--json"]);
    let mut login = login
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("valetkey starts");
    let mut steps = BufReader::new(login.stdout.take().expect("a pipe")).lines();
    let mut step = || -> Value {
        let line = steps.next().expect("another step").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    let device = step();
    assert_eq!(device["step"], "device", "{device}");
    let mut browser = Command::new(repository().join("tests/providers/browser.py"));
    browser.args(["--user", "bob", "--device-code", text(&device["user_code"])]);
    browser.arg(text(&device["verification_uri"]));
    Outcome::of(world.surround(&mut browser), b"").ok();
    let done = step();
    assert_eq!(
        (&done["step"], &done["user"]["subject"]),
        (&"done".into(), &"bob".into()),
        "{done}"
    );
    assert!(login.wait().expect("it ends").success());

    let session = world.session("coder");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    let logins = world.records("logged_in");
    assert_eq!(logins[0]["method"], "device", "{logins:?}");
}

#[test]
fn canaille_has_no_device_flow_and_that_is_told() {
    let provider = Provider::canaille();
    let world = provider.world();
    let refused = world.valetkey("login --device");
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.stderr.contains("without `--device`"), "{refused:?}");
}

/// Everything but the logout, which they answer differently.
fn the_main_job(provider: &Provider) -> World {
    let world = provider.world();
    world.login("default", "alice").ok();
    world.login("boss", "boss").ok();
    for (account, group) in [("default", "dev"), ("boss", "valetkey-admins")] {
        let user = account_of(&world, account)["user"].clone();
        let groups = user["groups"].as_array().expect("groups");
        assert!(groups.contains(&group.into()), "{user}");
        assert_eq!(user["issuer"], provider.issuer.as_str());
    }

    let session = world.session("coder");
    let other = world.session("tester");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    let denied = world.agent(&session, "token demo-api --scope api:admin");
    assert_eq!(denied.status, 3, "{denied:?}");

    rotates(&world);
    let revoke = format!(
        "admin revoke --session {} --reason drill --account",
        session.id
    );
    assert_eq!(
        world.valetkey(&format!("{revoke} default")).status,
        3,
        "alice is no admin"
    );
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    world.valetkey(&format!("{revoke} boss")).ok();
    let refused = world.agent(&session, "token demo-api --scope api:read");
    assert!(refused.stderr.contains("revoked"), "{refused:?}");
    world.agent(&other, "token demo-api --scope api:read").ok();
    world.valetkey("audit verify").ok();
    world
}

/// An admin's authority is asked of the provider anew, and every answer brings another refresh token,
/// which is in the keyring.
fn rotates(world: &World) {
    let mut tokens = vec![refresh_token(world, "boss").expect("it is in the keyring")];
    for _ in 0..ASKINGS {
        world.valetkey("admin sessions --account boss").ok();
        let token = refresh_token(world, "boss").expect("it is in the keyring");
        if tokens.last() != Some(&token) {
            tokens.push(token);
        }
        if tokens.len() == 3 {
            let renewed = world
                .records("logged_in")
                .into_iter()
                .filter(|r| r["method"] == "refresh");
            assert!(renewed.count() >= 2, "and it is recorded");
            return;
        }
    }
    panic!("no other refresh token after {ASKINGS} askings");
}

fn account_of(world: &World, name: &str) -> Value {
    let status = world.valetkey("status --json").ok().json();
    let accounts = status["accounts"].as_array().expect("accounts");
    let account = accounts.iter().find(|account| account["account"] == name);
    account
        .unwrap_or_else(|| panic!("no `{name}` in {status}"))
        .clone()
}

/// An account's refresh token, read past the broker.
fn refresh_token(world: &World, account: &str) -> Option<String> {
    let mut command = Command::new("secret-tool");
    command.args(["lookup", "service", "valetkey", "username"]);
    command.arg(format!("valetkey/login/{account}"));
    let found = Outcome::of(world.surround(&mut command), b"");
    (found.status == 0).then_some(found.stdout)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A provider's process. Dropping it ends the process and waits.
struct Provider {
    issuer: String,
    /// Keys for its section of the configuration.
    keys: String,
    process: Child,
    folder: TempDir,
}

impl Provider {
    fn oidc_provider() -> Self {
        Self::start("oidc-provider", &["0"], String::new())
    }

    /// It compares the redirect with its port, so the port is chosen before.
    fn canaille() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port().to_string();
        drop(free);
        Self::start("canaille", &["0", &port], format!("redirect_port = {port}"))
    }

    fn start(name: &str, arguments: &[&str], keys: String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let start: PathBuf = repository()
            .join("tests/providers")
            .join(name)
            .join("start");
        let mut process = Command::new(start)
            .arg(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the provider starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let issuer = line.trim().strip_prefix("ready ").map(str::to_owned);
        let mut provider = Self {
            issuer: String::new(),
            keys,
            process,
            folder,
        };
        provider.issuer =
            issuer.unwrap_or_else(|| panic!("{name} does not start: {}", provider.log()));
        provider
    }

    /// A world whose broker runs and knows this provider. An admin must have been confirmed within a
    /// second.
    fn world(&self) -> World {
        let mut world = World::new();
        world.configure_provider(&self.issuer, &self.keys, "");
        let file = world.folder().join("config/valetkey/config.toml");
        let text = fs::read_to_string(&file).expect("it was written");
        let text = text.replace("[admin]\n", "[admin]\nconfirmed_within = \"1s\"\n");
        fs::write(&file, text).expect("it can be written");
        world.start();
        world
    }

    /// What the provider makes of a refresh token.
    fn redeem(&self, refresh_token: &str) -> Value {
        let mut discovery = Command::new("curl");
        discovery.args(["--silent", "--show-error", "--max-time", "20"]);
        discovery.arg(format!("{}/.well-known/openid-configuration", self.issuer));
        let discovery = Outcome::of(&mut discovery, b"").ok().json();
        let mut token = Command::new("curl");
        token.args(["--silent", "--show-error", "--max-time", "20"]);
        token.args(["--data-urlencode", "grant_type=refresh_token"]);
        token.args(["--data-urlencode", "client_id=valetkey"]);
        token.args([
            "--data-urlencode",
            "refresh_token@-",
            text(&discovery["token_endpoint"]),
        ]);
        Outcome::of(&mut token, refresh_token.as_bytes())
            .ok()
            .json()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
