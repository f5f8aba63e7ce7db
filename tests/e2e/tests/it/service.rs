//! The broker under a service manager: sockets it is given, words it says, signals it obeys.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails in a helper fails the test"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixDatagram, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use valetkey_e2e::{Outcome, Session, Tail, World, program, repository};

const TOKEN: &str = "token demo-api --scope api:delete";

/// Longest wait for a word of the broker's before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker that a service manager starts when somebody connects to the control socket.
struct Service {
    manager: Child,
    words: UnixDatagram,
}

impl Service {
    /// Ready for the first connection; nothing has been started.
    fn listen(world: &World) -> Self {
        let notify = world.folder().join("manager.sock");
        let words = UnixDatagram::bind(&notify).expect("a socket for words");
        words.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let runtime = world.runtime();
        fs::create_dir_all(&runtime).expect("a folder, as `DirectoryMode` has it");
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).expect("its mode");

        let mut manager = Command::new("systemd-socket-activate");
        world.surround(&mut manager);
        manager
            .arg(format!("--listen={}", world.control().display()))
            .arg("--fdname=control")
            .arg(format!("--setenv=NOTIFY_SOCKET={}", notify.display()));
        let handed: Vec<_> = manager
            .get_envs()
            .filter_map(|(name, _)| name.to_str())
            .map(|name| format!("--setenv={name}"))
            .collect();
        let mut manager = manager
            .args(handed)
            .arg(program("valetkeyd"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("`make test` installs systemd");
        let stderr = manager.stderr.take().expect("a pipe");
        let mut line = String::new();
        let mut said = BufReader::new(stderr);
        said.read_line(&mut line).expect("a line");
        assert!(line.starts_with("Listening on "), "{line}");
        // Read on, so that the broker can log.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self { manager, words }
    }

    /// The broker's next word to its manager.
    fn word(&self) -> String {
        let mut message = [0; 512];
        let length = self.words.recv(&mut message).expect("a word in time");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    fn signal(&self, signal: Signal) {
        // It has become the broker.
        kill_process(Pid::from_child(&self.manager), signal).expect("it runs");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.manager.kill());
        drop(self.manager.wait());
    }
}

#[test]
fn a_service_manager_opens_the_control_socket() {
    let world = World::new();
    let mut service = Service::listen(&world);
    let status = world.valetkey("status").ok();
    assert!(status.stdout.contains("valetkeyd"), "{status:?}");
    assert_eq!(service.word(), "READY=1\n");
    world.login("default", "alice").ok();
    let session = world.session("coder");
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();

    service.signal(Signal::TERM);
    assert_eq!(service.word(), "STOPPING=1\n");
    let ended = service.manager.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert!(
        world.control().exists(),
        "the manager's socket is the manager's"
    );
    assert!(!session.socket.exists(), "its own sockets are gone");
}

/// A manager is never kept waiting, whatever a request waits for.
#[test]
fn a_stop_waits_for_nobody() {
    let mut world = World::new();
    world.configure("[keyring]\ndeadline = \"10m\"\n");
    world.start();
    world.login("default", "alice").ok();
    let session = world.session("coder");
    let idle = UnixStream::connect(world.control()).expect("it listens");
    world
        .desktop
        .freeze_keyring()
        .expect("the keyring can be stopped");
    let mut request = request(&session);
    assert_eq!(stopped(&mut world), Some(0));
    let mut answer = String::new();
    drop(request.read_to_string(&mut answer));
    assert!(!answer.contains("access_token"), "{answer}");
    drop(idle);
    world.desktop.thaw_keyring().expect("it can go on");

    world.start();
    assert_eq!(world.records("token_issued").len(), 0);
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
    world.valetkey("audit verify").ok();
}

/// Stops the broker as a service manager does, which kills it after `TimeoutStopSec=`: no status then.
fn stopped(world: &mut World) -> Option<i32> {
    let broker = world.take_broker();
    let pid = Pid::from_raw(broker.pid().cast_signed()).expect("a process id");
    let (sender, receiver) = mpsc::channel();
    let waiting = thread::spawn(move || {
        broker.signal(Signal::TERM);
        let status = broker.wait();
        sender.send(()).expect("somebody waits");
        status
    });
    if receiver.recv_timeout(stop_timeout()).is_err() {
        kill_process(pid, Signal::KILL).expect("it runs on");
    }
    waiting.join().expect("the broker can be waited for")
}

/// A token request that is on its way.
fn request(session: &Session) -> UnixStream {
    let mut stream = UnixStream::connect(&session.socket).expect("it listens");
    let body = r#"{"credential":"demo-api","scopes":["api:read"]}"#;
    let length = body.len();
    let head = "POST /v1/token HTTP/1.1\r\nhost: valetkey\r\ncontent-type: application/json\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}").expect("it can be sent");
    // What is asked on another connection afterwards is answered, so the broker has seen the first.
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--unix-socket"])
        .arg(&session.socket)
        .arg("http://valetkey/v1/session");
    Outcome::of(&mut curl, b"").ok();
    stream
}

fn stop_timeout() -> Duration {
    let unit = fs::read_to_string(units().join("valetkeyd.service")).expect("the unit");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds = line.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.expect("a bound"))
}

fn units() -> PathBuf {
    repository().join("broker/daemon/systemd")
}

#[test]
fn a_hangup_brings_new_policies_and_never_bad_ones() {
    let mut world = World::new();
    let folder = world.folder().join("policies");
    fs::create_dir(&folder).expect("a folder");
    let write = |text: &str| fs::write(folder.join("team.cedar"), text).expect("it can be written");
    write("// Nobody may.\n");
    world.configure(&format!("[policy]\nfolder = \"{}\"\n", folder.display()));
    world.start();
    world.login("default", "alice").ok();
    let session = world.session("coder");
    let ledger = Tail::of(&world);
    let hangup = |event: &str| {
        world.broker().signal(Signal::HUP);
        ledger.until(|record| record["event"] == event)
    };

    assert_eq!(world.agent(&session, TOKEN).status, 3);
    write(r#"@id("team.delete") permit (principal, action, resource);"#);
    assert_eq!(hangup("policies_loaded")["policies"], 1);
    world.agent(&session, TOKEN).ok();

    for bad in [
        "permit (principal, action, resource",
        r#"@id("a") forbid (principal, action, resource) when { context.nonesuch };"#,
    ] {
        write(bad);
        let rejected = hangup("policies_rejected");
        assert!(
            rejected["detail"].to_string().contains("team.cedar"),
            "{rejected}"
        );
        world.agent(&session, TOKEN).ok();
        let refused = world.valetkey("policy reload");
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains("team.cedar"), "{refused:?}");
        assert!(refused.stderr.contains("next: "), "{refused:?}");
        world.agent(&session, TOKEN).ok();
    }

    write("// Nobody may.\n");
    world.valetkey("policy reload").ok();
    assert_eq!(world.agent(&session, TOKEN).status, 3);
    world.stop();
}

#[test]
fn the_units_are_understood() {
    let home = tempfile::tempdir().expect("a folder");
    assert_eq!(complaints(home.path(), &units()), "");

    let wrong = home.path().join("wrong");
    fs::create_dir(&wrong).expect("a folder");
    for name in ["valetkeyd.service", "valetkeyd.socket"] {
        let unit = fs::read_to_string(units().join(name)).expect("the unit");
        let unit = unit.replace("UMask=", "Umsk=");
        fs::write(wrong.join(name), unit).expect("it can be written");
    }
    assert!(complaints(home.path(), &wrong).contains("Umsk"));
}

/// What systemd has to say about the units of a folder, for a user who has installed the broker.
fn complaints(home: &Path, folder: &Path) -> String {
    let installed = home.join(".local/bin/valetkeyd");
    fs::create_dir_all(installed.parent().expect("a folder")).expect("a folder");
    fs::copy("/bin/true", installed).expect("it can be installed");
    let mut verify = Command::new("systemd-analyze");
    verify
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .args(["--user", "verify"])
        .arg(folder.join("valetkeyd.service"))
        .arg(folder.join("valetkeyd.socket"));
    let verified = Outcome::of(&mut verify, b"").ok();
    format!("{}{}", verified.stdout, verified.stderr)
}

/// Two brokers on one ledger would each believe what they have in memory: one answer would be two
/// tokens, and one's revocation would not be the other's.
#[test]
fn one_ledger_is_one_brokers_whatever_its_runtime_folder() {
    let mut world = World::new();
    world.start();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("env");
    command.arg(format!("XDG_RUNTIME_DIR={}", elsewhere.path().display()));
    let refused = world.fail_to_start(command);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("a broker runs already"),
        "{refused:?}"
    );
}
