//! Another sandbox's proxy, the `srt-proxy` of Anthropic's sandbox-runtime, asks the broker about each
//! request.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails a test"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use valetkey_e2e::{Helper, Outcome, Session, Tail, World, repository};

/// A world in which the broker runs, the servers of a test, and what agents may reach of them: of `open` and
/// `tls` all but DELETE, `asked` after a person has said yes, `denied.example.test` never.
struct Place {
    world: World,
    session: Session,
    open: Helper,
    tls: Helper,
    asked: Helper,
}

impl Place {
    fn new() -> Self {
        let mut world = World::new();
        certificate(&world, "origin", "subjectAltName=DNS:localhost");
        certificate(&world, "ca", "keyUsage=critical,keyCertSign,cRLSign");
        let file = |name: &str| world.folder().join(name).display().to_string();
        let (certificate, key) = (file("origin.crt"), file("origin.key"));
        let (open, asked) = (
            Helper::start("srt_origin.py", &[]),
            Helper::start("srt_origin.py", &[]),
        );
        let tls = Helper::start("srt_origin.py", &[&certificate, &key]);
        let folder = world.policies(&format!(
            r#"
@id("test.reach")
permit (principal, action == Valetkey::Action::"connect", resource == Valetkey::Host::"localhost")
when {{ (context.port == {} && context.scheme == "http") || (context.port == {} && context.scheme == "https") }};

@id("test.never-this")
forbid (principal, action in Valetkey::Action::"reach", resource == Valetkey::Host::"denied.example.test");

@id("test.nothing-is-removed")
forbid (principal, action in Valetkey::Action::"send", resource) when {{ context.method == "DELETE" }};
"#,
            open.port, tls.port
        ));
        world.configure(&format!("[policy]\nfolder = \"{}\"\n", folder.display()));
        world.start();
        world.login("default", "alice").ok();
        world.login("boss", "boss").ok();
        let session = world.session("coder");
        Self {
            world,
            session,
            open,
            tls,
            asked,
        }
    }

    /// The command of a decider in the session, which waits this long for approvals.
    fn decider(&self, wait: &str) -> Command {
        let hosts = [&self.open, &self.tls, &self.asked].map(|at| format!("localhost:{}", at.port));
        let mut decider = self
            .world
            .command(["srt-decider", "--json", "--wait", wait]);
        decider.env("VALETKEY_SOCKET", &self.session.socket);
        for host in hosts
            .iter()
            .map(String::as_str)
            .chain(["denied.example.test"])
        {
            decider.args(["--host", host]);
        }
        decider
    }

    /// The proxy, and the decider that it asks.
    fn proxy(&self, wait: &str) -> Proxy {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let answers = theirs.try_clone().expect("a descriptor");
        let decider = self
            .decider(wait)
            .stdin(OwnedFd::from(theirs))
            .stdout(OwnedFd::from(answers))
            .stderr(Stdio::piped())
            .spawn()
            .expect("valetkey starts");
        let mut proxy = Command::new(repository().join("tests/srt-proxy/start"));
        let mut proxy = self
            .world
            .surround(&mut proxy)
            .arg(self.file("ca.pem"))
            .env("NODE_EXTRA_CA_CERTS", self.file("origin.crt"))
            .stdin(OwnedFd::from(ours))
            .stderr(Stdio::piped())
            .spawn()
            .expect("srt-proxy starts");
        let stderr = BufReader::new(proxy.stderr.take().expect("its words are piped"));
        let mut said = stderr.lines().map_while(Result::ok);
        let address =
            said.find_map(|line| Some(line.strip_prefix("srt proxy: serving ")?.to_owned()));
        let address = address.expect("srt-proxy serves; `make test` installs it");
        Proxy {
            decider,
            proxy,
            address: format!("http://{address}"),
        }
    }

    /// A client behind the proxy: says the status and the reason of a refusal, and then the body.
    fn client(&self, proxy: &Proxy, arguments: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        self.world
            .surround(&mut curl)
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--no-buffer",
            ])
            .args(["--write-out", "%{http_code} %header{x-deny-reason}\n"])
            .args(["--noproxy", "", "--proxy", &proxy.address, "--cacert"])
            .arg(self.file("ca.crt"))
            .args(arguments);
        curl
    }

    #[track_caller]
    fn get(&self, proxy: &Proxy, arguments: &[&str]) -> String {
        Outcome::of(&mut self.client(proxy, arguments), b"")
            .ok()
            .stdout
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }
}

/// A running proxy and its decider; both killed when dropped.
struct Proxy {
    decider: Child,
    proxy: Child,
    address: String,
}

impl Proxy {
    /// The decider's exit status and the code that it ended with, once both have ended by themselves.
    fn end(mut self) -> (Option<i32>, String) {
        let ended = self.decider.wait().expect("it can be waited for");
        let mut told = String::new();
        let mut stderr = self.decider.stderr.take().expect("its words are piped");
        stderr.read_to_string(&mut told).expect("text");
        self.proxy.wait().expect("it can be waited for");
        let told: serde_json::Value = serde_json::from_str(&told).unwrap_or_default();
        (
            ended.code(),
            told["error"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for child in [&mut self.decider, &mut self.proxy] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Makes `NAME.key` and `NAME.crt`, which signs itself, and both in `NAME.pem`.
fn certificate(world: &World, name: &str, extension: &str) {
    let file = |ending: &str| world.folder().join(format!("{name}.{ending}"));
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args(["-subj", &format!("/CN={name}"), "-addext", extension])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"));
    Outcome::of(&mut openssl, b"").ok();
    let read = |ending: &str| fs::read_to_string(file(ending)).expect("openssl wrote it");
    fs::write(file("pem"), read("key") + &read("crt")).expect("it can be written");
}

#[test]
fn each_request_is_let_through_or_not_as_the_policies_say() {
    let place = Place::new();
    let proxy = place.proxy("4s");
    for url in [
        format!("http://localhost:{}", place.open.port),
        format!("https://localhost:{}", place.tls.port),
    ] {
        let page = format!("{url}/page?q=1");
        assert_eq!(place.get(&proxy, &[&page]), "GET /page?q=1\n200 \n");
        assert_eq!(
            place.get(&proxy, &["-d", "x", &page]),
            "POST /page?q=1\n200 \n"
        );
        // Nothing in it names a policy.
        assert_eq!(
            place.get(&proxy, &["-X", "DELETE", &page]),
            "policy does not allow this request (denied)\n403 decider\n"
        );
    }
    // The wrong scheme is another origin, and a question that nobody answers.
    let other = format!("https://localhost:{}/", place.open.port);
    assert!(place.get(&proxy, &[&other]).ends_with("428 decider\n"));
    for (url, reason) in [
        ("http://denied.example.test/", "decider"),
        ("http://unlisted.example.test/", "host_not_allowed"),
        ("http://127.0.0.1:1/", "host_not_allowed"),
    ] {
        let refused = place.get(&proxy, &[url]);
        assert!(
            refused.ends_with(&format!("403 {reason}\n")),
            "{url}: {refused}"
        );
    }
}

#[test]
fn many_requests_are_decided_side_by_side() {
    let place = Place::new();
    let proxy = place.proxy("4s");
    let waits = format!("http://localhost:{}/", place.asked.port);
    let waiting = place
        .client(&proxy, &[&waits])
        .stdout(Stdio::piped())
        .spawn();
    let waiting = waiting.expect("curl starts");
    let all = format!("http://localhost:{}/[1-100]", place.open.port);
    let answers = place.get(&proxy, &["--parallel", "--parallel-max", "32", &all]);
    let passed = answers.lines().filter(|line| *line == "200 ").count();
    assert_eq!(passed, 100, "{answers}");
    let waited = waiting.wait_with_output().expect("curl ends");
    let waited = String::from_utf8_lossy(&waited.stdout).into_owned();
    assert_eq!(
        waited,
        "this request waits for an approval (approval_pending)\n428 decider\n"
    );
}

#[test]
fn a_request_waits_for_a_person() {
    let place = Place::new();
    let proxy = place.proxy("4s");
    let url = format!("http://localhost:{}/", place.asked.port);
    let tail = Tail::of(&place.world);
    let waiting = place.client(&proxy, &[&url]).stdout(Stdio::piped()).spawn();
    let waiting = waiting.expect("curl starts");
    let asked = tail.until(|record| record["event"] == "approval_asked");
    assert_eq!(
        asked["asked"]["grant"]["audience"],
        url.trim_end_matches('/')
    );
    place.world.approve(&place.world.question(), "--once").ok();
    let waited = waiting.wait_with_output().expect("curl ends");
    assert_eq!(String::from_utf8_lossy(&waited.stdout), "GET /\n200 \n");

    // The answer was for one request. Another one is told that it waits, and finds its answer later.
    assert!(place.get(&proxy, &[&url]).ends_with("428 decider\n"));
    place
        .world
        .approve(&place.world.question(), "--session")
        .ok();
    for _ in 0..2 {
        assert_eq!(place.get(&proxy, &[&url]), "GET /\n200 \n");
    }
}

#[test]
fn without_a_broker_nothing_is_let_through() {
    let mut place = Place::new();
    let proxy = place.proxy("4s");
    let url = format!("http://localhost:{}/", place.open.port);
    assert_eq!(place.get(&proxy, &[&url]), "GET /\n200 \n");
    place.world.stop();
    let after = Outcome::of(&mut place.client(&proxy, &[&url]), b"");
    assert!(!after.stdout.contains("200"), "{after:?}");
    assert_eq!(proxy.end().0, Some(7));
    // And no proxy starts without one.
    let mut decider = place.decider("4s");
    Outcome::of(&mut decider, b"").refused(7, "broker_unreachable");
}

#[test]
fn a_revocation_cuts_what_was_let_through() {
    let place = Place::new();
    let proxy = place.proxy("4s");
    let url = format!("https://localhost:{}/forever", place.tls.port);
    let mut download = place.client(&proxy, &[&url]);
    let mut download = download
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl starts");
    let mut lines = BufReader::new(download.stdout.take().expect("its output is piped")).lines();
    let first = lines.next().expect("something comes").expect("text");
    assert_eq!(first, "more");
    let revoke = format!(
        "admin revoke --session {} --reason drill --account boss",
        place.session.id
    );
    place.world.valetkey(&revoke).ok();
    lines.by_ref().map_while(Result::ok).count();
    let cut = download.wait().expect("curl ends").code();
    assert!(
        !matches!(cut, Some(0 | 28)),
        "cut, and not by curl's own clock: {cut:?}"
    );
    assert_eq!(proxy.end(), (Some(3), "session_revoked".to_owned()));
}

/// What the proxy would say, as a frame.
fn frame(json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).expect("a short message");
    [&length.to_be_bytes(), json.as_bytes()].concat()
}

const HELLO: &str = r#"{"t":"hello","proto":1}"#;

#[test]
fn two_pipes_do_as_well_as_a_socket() {
    let place = Place::new();
    let mut decider = place.decider("1s");
    let mut decider = decider
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("valetkey starts");
    let mut to = decider.stdin.take().expect("a pipe");
    let mut from = decider.stdout.take().expect("a pipe");
    let mut hear = || {
        let mut length = [0; 4];
        from.read_exact(&mut length).expect("a length");
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut json).expect("a message");
        serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")
    };
    to.write_all(&frame(HELLO)).expect("it reads");
    assert_eq!(hear()["proto"], 1);
    let request = |id: u32, port: u16| {
        frame(&format!(
            r#"{{"t":"req","id":{id},"method":"GET","host":"localhost","port":{port},"path":"/"}}"#
        ))
    };
    to.write_all(&request(1, place.asked.port))
        .expect("it reads");
    to.write_all(&request(2, place.open.port))
        .expect("it reads");
    let first = hear();
    assert_eq!(
        (&first["id"], &first["action"]),
        (&2.into(), &"allow".into())
    );
    let second = hear();
    assert_eq!((&second["id"], &second["status"]), (&1.into(), &428.into()));
    drop(to);
    assert_eq!(decider.wait().expect("it ends").code(), Some(0));
}

#[test]
fn what_is_no_proxy_is_not_talked_to() {
    let place = Place::new();
    for hello in [
        frame(r#"{"t":"hello","proto":2}"#),
        frame("{}"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        Outcome::of(&mut place.decider("1s"), &hello).refused(2, "invalid_request");
    }
    let mut decider = place.decider("1s");
    let nowhere = decider.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    assert_eq!(nowhere.expect("valetkey starts").status.code(), Some(2));
    for host in ["127.0.0.1:80", "localhost", "*.com"] {
        let usage = place.world.valetkey(&format!("srt-decider --host {host}"));
        assert_eq!(usage.status, 2, "{usage:?}");
    }
}
