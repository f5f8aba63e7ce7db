//! Everything around one test.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;
use valetkey_devidp::{Config, DevIdp, User};
use valetkey_support::desktop::PrivateDesktop;

use crate::{Broker, Outcome, program};

/// The credential that every test finds, and a policy-free corner of the baseline.
const CREDENTIALS: &str = r#"
[credentials.demo-api]
source = "signed"
scopes = ["api:read", "api:write", "api:delete", "api:admin"]
audiences = ["https://api.example.test", "https://other.example.test"]
max_lifetime = "15m"
"#;

/// Everything around one test.
pub struct World {
    folder: TempDir,
    /// The desktop: D-Bus and keyring.
    pub desktop: PrivateDesktop,
    /// The identity provider: alice in `dev`, bob in `dev`, boss in `valetkey-admins`.
    pub idp: DevIdp,
    broker: Option<Broker>,
}

/// A session that a test started.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The path of its socket.
    pub socket: PathBuf,
}

impl World {
    /// A world with a keyring and a provider, and a broker that is configured and not yet running.
    pub fn new() -> Self {
        Self::on(PrivateDesktop::start().expect("a desktop; `make test` installs what it needs"))
    }

    /// The same on another desktop.
    pub fn on(desktop: PrivateDesktop) -> Self {
        let idp = DevIdp::start(Config {
            users: vec![
                User::new("alice", &["dev"]),
                User::new("bob", &["dev"]),
                User::new("boss", &["valetkey-admins"]),
            ],
            ..Config::default()
        })
        .expect("the provider starts");
        let world = Self {
            folder: tempfile::Builder::new()
                .prefix("vk")
                .tempdir()
                .expect("a temporary folder"),
            desktop,
            idp,
            broker: None,
        };
        world.configure("");
        world
    }

    /// A world in which the broker runs, and alice and boss are logged in.
    pub fn at_work() -> Self {
        let mut world = Self::new();
        world.start();
        world.login("default", "alice").ok();
        world.login("boss", "boss").ok();
        world
    }

    /// The temporary folder of everything that is not the desktop's.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The broker's folder for the ledger.
    pub fn state(&self) -> PathBuf {
        self.folder().join("state/valetkey")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.state().join("ledger.db")
    }

    /// The broker's folder for sockets.
    pub fn runtime(&self) -> PathBuf {
        let variables = self.desktop.env();
        let runtime = variables
            .iter()
            .find(|(name, _)| *name == "XDG_RUNTIME_DIR");
        runtime
            .expect("a desktop has a folder for sockets")
            .1
            .join("valetkey")
    }

    /// The control socket.
    pub fn control(&self) -> PathBuf {
        self.runtime().join("control.sock")
    }

    /// The broker's log.
    pub fn log(&self) -> PathBuf {
        self.folder().join("valetkeyd.log")
    }

    /// Writes the configuration, with `extra` sections after the ones that every test has.
    pub fn configure(&self, extra: &str) {
        self.configure_provider(self.idp.issuer(), "", extra);
    }

    /// The same for another provider, with `keys` in its section.
    pub fn configure_provider(&self, issuer: &str, keys: &str, extra: &str) {
        let folder = self.folder().join("config/valetkey");
        fs::create_dir_all(&folder).expect("a folder for the configuration");
        let text = format!(
            "[provider]\nissuer = \"{issuer}\"\nclient_id = \"valetkey\"\n{keys}\n\n[tokens]\nlisten = \"127.0.0.1:0\"\n\n[admin]\ngroups = [\"valetkey-admins\"]\n{CREDENTIALS}\n{extra}\n"
        );
        let file = folder.join("config.toml");
        fs::write(&file, text).expect("the configuration can be written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode can be set");
    }

    /// Gives a command this world's environment and nothing of the test's own.
    pub fn surround<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env_clear()
            .envs(self.desktop.env())
            .env("PATH", "/usr/bin:/bin")
            .env("XDG_CONFIG_HOME", self.folder().join("config"))
            .env("XDG_STATE_HOME", self.folder().join("state"))
    }

    /// Starts the broker and waits until it is ready.
    pub fn start(&mut self) {
        self.start_as("valetkeyd", &[]);
    }

    /// Starts another program in the broker's place, with variables of its own.
    pub fn start_as(&mut self, name: &str, variables: &[(&str, &str)]) {
        let mut command = Command::new(program(name));
        self.surround(&mut command).envs(variables.iter().copied());
        self.start_command(command);
    }

    /// Starts the broker by a command that becomes it, such as `nsenter`, in this world's environment.
    pub fn start_by(&mut self, mut command: Command) {
        self.surround(&mut command).arg(program("valetkeyd"));
        self.start_command(command);
    }

    /// The same where it must not start; status 124 where it did and went on.
    pub fn fail_to_start(&self, mut command: Command) -> Outcome {
        let command = self.surround(&mut command).args(["timeout", "20"]);
        Outcome::of(command.arg(program("valetkeyd")), b"")
    }

    /// Starts a command that becomes the broker; its environment is the caller's work.
    pub fn start_command(&mut self, command: Command) {
        self.broker = Some(Broker::start(command, self.folder(), &self.log()));
    }

    /// The running broker.
    pub fn broker(&self) -> &Broker {
        self.broker.as_ref().expect("the broker runs")
    }

    /// Takes the running broker out, to wait for its end.
    pub fn take_broker(&mut self) -> Broker {
        self.broker.take().expect("the broker runs")
    }

    /// Stops the broker in order.
    pub fn stop(&mut self) {
        assert_eq!(self.take_broker().stop(), Some(0), "a clean stop");
    }

    /// Ends the broker as a power cut would.
    pub fn kill(&mut self) {
        self.take_broker().kill();
    }

    /// A `valetkey` command in this world, not yet started.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(program("valetkey"));
        self.surround(&mut command).args(arguments);
        command
    }

    /// Runs `valetkey` with these space-separated arguments.
    pub fn valetkey(&self, arguments: &str) -> Outcome {
        Outcome::of(&mut self.command(arguments.split_whitespace()), b"")
    }

    /// Runs `valetkey` as [`Self::valetkey`] does, for at most this many seconds: status 124 past
    /// them.
    pub fn valetkey_within(&self, seconds: u32, arguments: &str) -> Outcome {
        let mut command = Command::new("timeout");
        self.surround(&mut command)
            .arg(seconds.to_string())
            .arg(program("valetkey"))
            .args(arguments.split_whitespace());
        Outcome::of(&mut command, b"")
    }

    /// Runs `valetkey` inside a session.
    pub fn agent(&self, session: &Session, arguments: &str) -> Outcome {
        let mut command = self.command(arguments.split_whitespace());
        Outcome::of(command.env("VALETKEY_SOCKET", &session.socket), b"")
    }

    /// Changes the database as somebody else would, past the broker; gives back what the SQL selects.
    pub fn sql(&self, sql: &str) -> String {
        let mut sqlite = Command::new("sqlite3");
        let sqlite = sqlite
            .args(["-bail", "-init", "/dev/null"])
            .arg(self.database());
        Outcome::of(sqlite, sql.as_bytes()).ok().stdout
    }

    /// Logs `user` in at the development provider, as a person would with a browser.
    pub fn login(&self, account: &str, user: &str) -> Outcome {
        let mut command = self.command(["login", "--account", account]);
        let browser = repository().join("tests/providers/browser.py");
        command
            .env("BROWSER", browser)
            .env("VALETKEY_TEST_USER", user);
        Outcome::of(&mut command, b"")
    }

    /// Starts a session of alice's.
    pub fn session(&self, agent: &str) -> Session {
        self.session_with(agent, "")
    }

    /// Starts a session with more arguments.
    pub fn session_with(&self, agent: &str, arguments: &str) -> Session {
        let started = self
            .valetkey(&format!("session start --agent {agent} --json {arguments}"))
            .ok();
        Session::from_json(&started.json())
    }

    /// The records of the ledger whose event is `event`, oldest first.
    pub fn records(&self, event: &str) -> Vec<Value> {
        let tail = self.valetkey("audit tail -n 10000 --json").ok();
        let lines = tail.stdout.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        let records = lines.map(|line| line["record"].clone());
        records.filter(|record| record["event"] == event).collect()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    fn from_json(started: &Value) -> Self {
        let session = started.get("session").unwrap_or(started);
        let text = |key: &str| {
            let value = session[key].as_str();
            value
                .unwrap_or_else(|| panic!("no `{key}` in {started}"))
                .to_owned()
        };
        Self {
            id: text("id"),
            socket: text("socket").into(),
        }
    }
}

/// The top of the repository.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
