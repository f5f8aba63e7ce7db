//! When a revocation returns, nothing of the session's network is open, on neither side of the proxy; and
//! a value that expires is renewed without anybody noticing.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what fails here fails a test"
)]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use serde_json::Value;
use valetkey_e2e::{Origin, Tail, Tls, World, venv};

const WAYS: [&str; 7] = [
    "idle", "upload", "download", "events", "talk", "streams", "through",
];

/// Longest that a host waits for the end of its side. The proxy has closed it by then; what is left is that
/// threads are told.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stands before a host and says when the proxy's side has ended.
struct Before {
    port: u16,
    gone: Receiver<()>,
}

impl Before {
    fn host(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let (sender, gone) = channel();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                pass(&near, &far, Some(sender.clone()));
                pass(&far, &near, None);
            }
        });
        Self { port: own, gone }
    }
}

fn pass(from: &TcpStream, to: &TcpStream, ended: Option<Sender<()>>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
        // Nobody listens once the test is over.
        ended.map(|ended| ended.send(()).ok())
    });
}

/// An agent in a room, that holds on to what it has.
struct Holder {
    run: Child,
    orders: ChildStdin,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    session: String,
}

impl Holder {
    fn start(world: &World, ports: &str) -> Self {
        let mut run = world.command([
            "run",
            "--agent",
            "coder",
            "--profile",
            "open",
            "--workspace",
        ]);
        let mut run = run
            .arg(world.workspace())
            .arg("--")
            .arg(venv().join("bin/python"))
            .args(["-c", include_str!("cuts/holder.py"), ports])
            .args(["api.test", "other.test"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = run.stdin.take().unwrap();
        let lines = BufReader::new(run.stdout.take().unwrap()).lines();
        let mut holder = Self {
            run,
            orders,
            lines,
            session: String::new(),
        };
        holder.session = holder.line();
        holder
    }

    fn line(&mut self) -> String {
        self.lines
            .next()
            .expect("the agent says something")
            .unwrap()
    }

    /// How each of its connections is at this moment.
    #[track_caller]
    fn all(mut self, state: &str) {
        writeln!(self.orders, "now").unwrap();
        let seen: BTreeMap<String, Value> = serde_json::from_str(&self.line()).unwrap();
        assert_eq!(seen.len(), WAYS.len(), "{seen:?}");
        assert!(seen.values().all(|one| one == state), "{seen:?}");
        self.run.wait().unwrap();
    }
}

/// Hosts of every kind, and a world in which agents reach them.
fn held() -> (World, Vec<Origin>, BTreeMap<&'static str, Before>, String) {
    let mut world = World::new();
    let tls = Tls::new(&world);
    let plain = Origin::secure(&world, "origin.py", &tls, &[]);
    let talk = Origin::secure(&world, "websocket.py", &tls, &[]);
    let streams = Origin::secure(&world, "http2.py", &tls, &[]);
    let before: BTreeMap<_, _> = WAYS
        .into_iter()
        .map(|way| {
            let host = match way {
                "talk" => &talk,
                "streams" => &streams,
                _ => &plain,
            };
            (way, Before::host(host.port()))
        })
        .collect();
    let ports: Vec<_> = before.values().map(|one| one.port).collect();
    let hosts: Vec<_> = ports
        .iter()
        .map(|port| format!("\"api.test:{port}\""))
        .collect();
    world.configure_errands(
        Some(&tls),
        &ports,
        &format!(
            r#"
[sandbox.profiles.open]
workspace = "open"
readable = ["{}"]
[credentials.api]
source = "static"
secret = "canary"
[[credentials.api.inject]]
hosts = [{}]
header = "authorization"
scope = "read"
"#,
            venv().display(),
            hosts.join(", ")
        ),
    );
    world.open_for_errands();
    let ports: BTreeMap<_, _> = before.iter().map(|(way, one)| (way, one.port)).collect();
    let ports = serde_json::to_string(&ports).unwrap();
    (world, vec![plain, talk, streams], before, ports)
}

#[test]
fn when_a_revocation_returns_nothing_of_the_network_is_open() {
    let (world, _origins, before, ports) = held();
    let (holder, unharmed) = (Holder::start(&world, &ports), Holder::start(&world, &ports));
    let revoke = format!(
        "admin revoke --session {} --reason drill --account boss",
        holder.session
    );
    world.valetkey(&revoke).ok();
    holder.all("ended");
    for (way, one) in &before {
        one.gone
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{way} outlived its session"));
        assert!(
            one.gone.try_recv().is_err(),
            "{way} of another session was cut"
        );
    }
    unharmed.all("open");
}

#[test]
fn when_a_lock_returns_nothing_of_the_network_is_open() {
    let (world, _origins, before, ports) = held();
    let holders = [Holder::start(&world, &ports), Holder::start(&world, &ports)];
    world.valetkey("lock").ok();
    for holder in holders {
        holder.all("ended");
    }
    for (way, one) in &before {
        for _ in 0..2 {
            one.gone
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("{way} outlived the lock"));
        }
    }
}

/// A person was asked about a host that is not looked into, and takes the yes back.
#[test]
fn a_tunnel_ends_with_the_yes_that_it_rests_on() {
    let mut world = World::new();
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    world.configure_errands(None, &[port], "");
    world.open_for_errands();
    let client = format!(
        r#"
import socket

tunnel = socket.create_connection(("127.0.0.1", 3128), 60)
tunnel.sendall(b"CONNECT other.test:{port} HTTP/1.1\r\nhost: other.test:{port}\r\n\r\n")
assert b" 200 " in tunnel.recv(1000)
print("open", flush=True)
print("ended" if tunnel.recv(1000) == b"" else "more", flush=True)
"#
    );
    std::fs::write(world.workspace().join("client.py"), client).unwrap();
    let tail = Tail::of(&world);
    let mut run = world
        .command(["run", "--agent", "coder", "--workspace"])
        .arg(world.workspace())
        .args(["--", "python3", "client.py"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(run.stdout.take().unwrap()).lines();
    tail.until(|record| record["event"] == "approval_asked");
    let asked = world.question();
    world.approve(&asked, "--session").ok();
    assert_eq!(said.next().unwrap().unwrap(), "open");
    let (mut far, _) = host.accept().unwrap();
    world.valetkey(&format!("approvals forget {asked}")).ok();
    far.set_nonblocking(true).unwrap();
    assert_eq!(far.read(&mut [0; 1]).unwrap(), 0, "it has ended by then");
    assert_eq!(said.next().unwrap().unwrap(), "ended");
    assert!(run.wait().unwrap().success());
}

/// One connection, and requests as fast as they go, until the host is shown a token that was made more than
/// two lives after the first.
#[test]
fn a_value_that_expires_is_renewed_under_way() {
    let mut world = World::new();
    let tls = Tls::new(&world);
    let issuer = world.folder().join("issuer");
    let origin = Origin::verifying(&world, &tls, &issuer);
    let port = origin.port();
    world.configure_errands(
        Some(&tls),
        &[port],
        &format!(
            r#"
[credentials.service]
source = "signed"
scopes = ["service:read"]
max_lifetime = "3s"
[[credentials.service.inject]]
hosts = ["api.test:{port}"]
header = "authorization"
scope = "service:read"
"#
        ),
    );
    world.open_for_errands();
    let status = world.valetkey("status --json").ok().json();
    std::fs::write(&issuer, status["token_issuer"].as_str().unwrap()).unwrap();
    let client = format!(
        r#"
import requests

with requests.Session() as session:
    first = last = None
    while first is None or last - first < 7:
        answer = session.get("https://api.test:{port}/", timeout=60)
        assert answer.status_code == 200, (first, last, answer.text)
        last = answer.json()["begun"]
        first = first or last
"#
    );
    std::fs::write(world.workspace().join("client.py"), client).unwrap();
    world.errand("python3 client.py").ok();
    let seen = origin.seen();
    assert!(
        seen.len() > 2,
        "a token for each request, or the same one for all: {seen:?}"
    );
    assert!(
        seen.iter()
            .all(|one| one["connection"] == seen[0]["connection"]),
        "{seen:?}"
    );
}
