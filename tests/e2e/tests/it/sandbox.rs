//! An agent in a real sandbox: what it can reach, and how it loses it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails in a helper fails the test"
)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use serde_json::Value;
use valetkey_e2e::{Namespace, Outcome, Session, World, program, sandbox};
use valetkey_support::desktop::PrivateDesktop;

const TOKEN: &str = "valetkey token demo-api --scope api:read";

/// A shell script in a sandbox of the session's.
fn inside(session: &Session, script: &str) -> Outcome {
    let bwrap = sandbox(Command::new("bwrap"), &program("valetkey"), session);
    shell(bwrap, script)
}

fn shell(mut command: Command, script: &str) -> Outcome {
    Outcome::of(command.args(["sh", "-c", script]), b"")
}

/// The same on the developer's desktop.
fn outside(world: &World, script: &str) -> Outcome {
    let mut command = Command::new("env");
    let programs = program("valetkey");
    let programs = programs.parent().expect("a folder").display();
    world
        .surround(&mut command)
        .env("PATH", format!("{programs}:/usr/bin:/bin"));
    shell(command, script)
}

#[test]
fn an_agent_gets_its_token() {
    let world = World::at_work();
    let session = world.session("coder");
    let grants = inside(&session, "valetkey grants").ok();
    assert!(grants.stdout.contains("demo-api"), "{grants:?}");
    let token = inside(&session, TOKEN).ok();
    assert_eq!(token.stdout.trim().split('.').count(), 3, "{token:?}");
    let issued = world.records("token_issued").pop().expect("it is recorded");
    assert_eq!(issued["session"], session.id.as_str());
}

/// Promise 2 of the threat model. Every way is walked on the desktop too, where it leads somewhere, so
/// that it is the sandbox that is seen to refuse.
#[test]
fn nothing_else_can_be_reached() {
    let world = World::at_work();
    let session = world.session("coder");
    let other = world.session("tester");
    inside(&session, TOKEN).ok();
    let relay = AbstractRelay::to(&bus(&world));
    for (name, script) in ways(&world, &other, &relay.name) {
        let without = outside(&world, &script);
        assert_eq!(without.status, 0, "{name}, without a sandbox: {without:?}");
        let within = inside(&session, &script);
        assert_ne!(within.status, 0, "{name}: {within:?}");
        assert!(!matches!(within.status, 126 | 127), "{name}: {within:?}");
    }
    inside(&session, TOKEN).ok();
}

fn ways(world: &World, other: &Session, relay: &str) -> Vec<(&'static str, String)> {
    let (pid, bus) = (world.broker().pid(), bus(world));
    let read = "secret-tool lookup service valetkey username valetkey/login/default";
    let run = world.runtime();
    let run = run.parent().expect("a folder").display().to_string();
    let status = world.valetkey("status --json").ok().json();
    let issuer = status["token_issuer"]
        .as_str()
        .expect("an issuer")
        .to_owned();
    let database = world.database().display().to_string();
    let config = world.folder().join("config/valetkey/config.toml");
    let seize = format!(
        "python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(0x4206, {pid}, 0, 0) != 0)'"
    );
    let mut ways = vec![
        (
            "the keyring by its bus",
            format!("DBUS_SESSION_BUS_ADDRESS=unix:path={bus} {read}"),
        ),
        (
            "the keyring by an abstract socket",
            format!("DBUS_SESSION_BUS_ADDRESS=unix:abstract={relay} {read}"),
        ),
        (
            "another session's socket",
            format!("VALETKEY_SOCKET={} {TOKEN}", other.socket.display()),
        ),
        (
            "the control socket",
            format!("XDG_RUNTIME_DIR={run} valetkey session list"),
        ),
        ("the ledger", format!("head -c 16 {database}")),
        (
            "the configuration",
            format!("head -c 16 {}", config.display()),
        ),
        (
            "the broker's process",
            format!("head -c 1 /proc/{pid}/stat"),
        ),
        ("a signal to the broker", format!("kill -0 {pid}")),
        (
            "the broker's keys for verifiers",
            format!("curl -sSf --max-time 5 {issuer}/jwks.json"),
        ),
    ];
    if rustix::process::geteuid().is_root() {
        // Of the same ordinary user nobody may, in a sandbox or not: see `ordinary_user.rs`.
        ways.push(("a debugger", seize));
        ways.push((
            "the broker's environment",
            format!("head -c 1 /proc/{pid}/environ"),
        ));
        ways.push(("the broker's memory", format!("head -c 1 /proc/{pid}/maps")));
    }
    ways
}

fn bus(world: &World) -> String {
    let variables = world.desktop.env();
    let run = variables
        .iter()
        .find(|(name, _)| *name == "XDG_RUNTIME_DIR");
    run.expect("a folder for sockets")
        .1
        .join("bus")
        .display()
        .to_string()
}

/// The bus under a name that no file system has, as some desktops offer it.
struct AbstractRelay {
    name: String,
}

impl AbstractRelay {
    fn to(bus: &str) -> Self {
        let name = format!("valetkey-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let listener = UnixListener::bind_addr(&address).expect("an abstract socket");
        let bus = bus.to_owned();
        // Ends with the test's process; nextest runs each test in its own.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&bus) else {
                    return;
                };
                pump(&client, &server);
                pump(&server, &client);
            }
        });
        Self { name }
    }
}

fn pump(from: &UnixStream, to: &UnixStream) {
    let mut from = from.try_clone().expect("a descriptor");
    let mut to = to.try_clone().expect("a descriptor");
    thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(std::net::Shutdown::Both));
    });
}

#[test]
fn the_path_of_another_sessions_socket_leads_nowhere() {
    let world = World::at_work();
    let (session, other) = (world.session("coder"), world.session("tester"));
    for path in [
        other.socket.display().to_string(),
        format!("/run/valetkey/../{}/agent.sock", other.id),
        format!("/run/{}/agent.sock", other.id),
    ] {
        let refused = inside(&session, &format!("VALETKEY_SOCKET={path} {TOKEN}"));
        assert_eq!(
            (refused.status, refused.stdout.as_str()),
            (7, ""),
            "{path}: {refused:?}"
        );
    }
    inside(&other, TOKEN).ok();
    // What it may reach serves it and nobody else, whatever it calls itself.
    let script = "curl -sS --unix-socket $VALETKEY_SOCKET http://valetkey/v1/session";
    let shown = inside(&session, script).ok().json();
    assert!(shown.to_string().contains(&session.id), "{shown}");
    assert!(!shown.to_string().contains(&other.id), "{shown}");
}

/// An agent at work in a sandbox, that holds on to what it has.
struct Holder {
    agent: Child,
    orders: ChildStdin,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Holder {
    fn start(session: &Session) -> Self {
        let mut bwrap = sandbox(Command::new("bwrap"), &program("valetkey"), session);
        let mut agent = bwrap
            .args(["python3", "-I", "-c", include_str!("holder.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bwrap starts");
        let orders = agent.stdin.take().expect("a pipe");
        let stdout = agent.stdout.take().expect("a pipe");
        let mut holder = Self {
            agent,
            orders,
            lines: BufReader::new(stdout).lines(),
        };
        assert_eq!(holder.line(), "ready");
        holder
    }

    fn line(&mut self) -> String {
        let line = self.lines.next().expect("the agent says something");
        line.expect("a line")
    }

    /// How each of its connections is at this moment.
    fn look(mut self) -> Value {
        self.orders.write_all(b"now\n").expect("the agent listens");
        let seen = self.line();
        assert!(self.agent.wait().expect("it ends").success());
        serde_json::from_str(&seen).expect("JSON")
    }
}

#[test]
fn when_a_revocation_returns_nothing_of_the_session_is_open() {
    let mut world = World::new();
    // Nothing but the revocation is to end the request that waits for the keyring.
    world.configure("[keyring]\ndeadline = \"10m\"\n");
    world.start();
    world.login("default", "alice").ok();
    world.login("boss", "boss").ok();
    let (session, other) = (world.session("coder"), world.session("tester"));
    world
        .desktop
        .freeze_keyring()
        .expect("the keyring can be stopped");
    let (holder, unharmed) = (Holder::start(&session), Holder::start(&other));

    let revoke = format!(
        "admin revoke --session {} --reason drill --account boss",
        session.id
    );
    world.valetkey(&revoke).ok();
    let seen = holder.look();
    for way in ["idle", "watch", "flight"] {
        assert_eq!(seen[way][0], "ended", "{way}: {seen}");
        let said = seen[way][1].as_str().expect("text");
        assert!(!said.contains("access_token"), "{way}: {seen}");
    }
    assert_ne!(seen["watch"][1], "", "whoever watched was told: {seen}");

    let seen = unharmed.look();
    for way in ["idle", "watch", "flight"] {
        assert_eq!(seen[way], serde_json::json!(["open", ""]), "{way}: {seen}");
    }
    world.desktop.thaw_keyring().expect("the keyring can go on");
    world.agent(&other, "token demo-api --scope api:read").ok();
}

/// What an agent can do with system calls alone: find its user's keyring among all that there are, make
/// it its own, and read.
const STEAL: &str = r#"
keyctl session - sh -c '
    for ring in $(sed -n "s/^\([0-9a-f]*\) .* keyring *_uid\..*/\1/p" /proc/keys); do
        keyctl link 0x$ring @s && keyctl print %user:valetkey:valetkey/secret/deploy-key && exit
    done
    exit 1
'
"#;

/// Namespaces do not keep an agent from the kernel's keyring; a filter of system calls does. Secrets
/// there are safe from agents in sandboxes that have one, and from no others.
#[test]
fn the_kernel_keyring_is_closed_by_a_filter_of_system_calls_alone() {
    let kernel = Namespace::with_kernel_keyring();
    let mut world = World::on(PrivateDesktop::without_bus().expect("a desktop"));
    world.configure("[keyring]\nstore = \"kernel\"\n");
    world.start_by(kernel.command());
    world.login("default", "alice").ok();
    let session = world.session("coder");
    let mut add = world.command(["secret", "add", "deploy-key"]);
    Outcome::of(&mut add, b"canary-in-the-kernel").ok();

    let agent = |filter: &[u8], script| {
        let mut bwrap = kernel.command();
        bwrap.arg("bwrap");
        let mut bwrap = sandbox(bwrap, &program("valetkey"), &session);
        if !filter.is_empty() {
            bwrap.args(["--seccomp", "0"]);
        }
        Outcome::of(bwrap.args(["sh", "-c", script]), filter)
    };
    for filter in [&[], filter().as_slice()] {
        agent(filter, TOKEN).ok();
    }
    let stolen = agent(&[], STEAL);
    assert_eq!(stolen.stdout, "canary-in-the-kernel\n", "{stolen:?}");
    let refused = agent(&filter(), STEAL);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert_eq!(refused.stdout, "", "{refused:?}");
}

/// A program for `seccomp(2)` that refuses `add_key`, `request_key` and `keyctl`, as `bwrap --seccomp`
/// reads it.
fn filter() -> Vec<u8> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let (architecture, [add_key, request_key, keyctl]) = match std::env::consts::ARCH {
        "x86_64" => (0xc000_003e, [248, 249, 250]),
        "aarch64" => (0xc000_00b7, [217, 218, 219]),
        other => panic!("the numbers of system calls of {other} are not known here"),
    };
    // Code, how many to skip if so, how many if not, operand.
    let program: [(u16, u8, u8, u32); 9] = [
        (LOAD, 0, 0, 4),
        (EQUAL, 0, 5, architecture),
        (LOAD, 0, 0, 0),
        // The numbers of x32 begin here.
        (AT_LEAST, 3, 0, 0x4000_0000),
        (EQUAL, 2, 0, add_key),
        (EQUAL, 1, 0, request_key),
        (EQUAL, 0, 1, keyctl),
        // EPERM
        (RETURN, 0, 0, 0x0005_0001),
        // allowed
        (RETURN, 0, 0, 0x7fff_0000),
    ];
    let mut bytes = Vec::new();
    for (code, so, not, operand) in program {
        bytes.extend(code.to_ne_bytes());
        bytes.extend([so, not]);
        bytes.extend(operand.to_ne_bytes());
    }
    bytes
}
