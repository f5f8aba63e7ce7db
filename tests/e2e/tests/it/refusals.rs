//! What must fail, fails: the promises of the threat model from outside the process.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    process::Command,
    time::Duration,
};

use valetkey_e2e::{Outcome, World};

/// A long-lived secret to be looked for.
const CANARY: &str = "canary-4f1d7c52e0b94c6fb1a0";

#[test]
fn sockets_are_the_owners_alone() {
    let world = World::at_work();
    let session = world.session("coder");
    let mode = |path: &Path| {
        let metadata = fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&world.runtime()), 0o700);
    assert_eq!(mode(&world.control()), 0o600);
    assert_eq!(mode(&session.socket), 0o600);
    assert_eq!(mode(session.socket.parent().expect("a folder")), 0o700);
    assert_eq!(mode(&world.state()), 0o700);
    assert_eq!(mode(&world.database()), 0o600);
}

/// Bytes that are no request.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", Vec::new()),
        ("zeros", vec![0; 4096]),
        ("noise", (0..65536u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("a long line", vec![b'A'; 1 << 20]),
        ("a truncated request", b"POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{".to_vec()),
        ("a truncated preface", b"PRI * HTTP/2.0\r\n\r\nSM".to_vec()),
        ("a preface and noise", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0xff; 512]].concat()),
        ("a huge header", [b"GET /v1/session HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 200_000], b"\r\n\r\n"].concat()),
        ("two lengths", b"POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".to_vec()),
        ("a huge body", [b"POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n".as_slice(), &vec![b'{'; 300_000]].concat()),
    ]
}

#[test]
fn garbage_on_every_socket_hurts_nobody() {
    let world = World::at_work();
    let session = world.session("coder");
    let other = world.session("tester");
    for (name, bytes) in garbage() {
        for socket in [&session.socket, &world.control()] {
            let mut stream = UnixStream::connect(socket).expect("it listens");
            stream
                .set_read_timeout(Some(Duration::from_secs(20)))
                .expect("a time-out");
            // The broker may close before everything is written.
            drop(stream.write_all(&bytes));
            drop(stream.shutdown(std::net::Shutdown::Write));
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer));
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(!answer.contains("200 OK"), "{name}: {answer}");
        }
        world
            .agent(&session, "token demo-api --scope api:read")
            .ok();
        world.agent(&other, "token demo-api --scope api:read").ok();
    }
}

#[test]
fn silent_connections_do_not_keep_others_out() {
    let world = World::at_work();
    let session = world.session("coder");
    let other = world.session("tester");
    let silent: Vec<_> = (0..500)
        .map_while(|_| UnixStream::connect(&session.socket).ok())
        .collect();
    assert!(!silent.is_empty());
    world.agent(&other, "token demo-api --scope api:read").ok();
    world.valetkey("session list").ok();
    drop(silent);
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

#[test]
fn control_characters_reach_no_terminal() {
    let world = World::at_work();
    let session = world.session("coder");
    let mut command = world.command(["token", "demo-api", "--scope", "api:read"]);
    command
        .args(["--reason", "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}live"])
        .env("VALETKEY_SOCKET", &session.socket);
    Outcome::of(&mut command, b"").ok();
    let mut command = world.command(["token", "x\u{1b}[31m", "--scope", "a\u{7}"]);
    command.env("VALETKEY_SOCKET", &session.socket);
    let refused = Outcome::of(&mut command, b"");
    assert_ne!(refused.status, 0);
    let mut command = world.command(["session", "start", "--agent", "coder", "--workspace"]);
    Outcome::of(command.arg("/tmp/\u{1b}[2J\u{9b}x"), b"").ok();

    for shown in ["audit tail -n 100", "session list"] {
        let shown = world.valetkey(shown).ok();
        let hostile = shown
            .stdout
            .chars()
            .find(|c| *c != '\n' && valetkey_core::text::is_hostile(*c));
        assert_eq!(hostile, None, "{shown:?}");
    }
    assert!(!refused.stderr.contains('\u{1b}'), "{refused:?}");
}

#[test]
fn the_canary_is_nowhere() {
    let mut world = World::at_work();
    let session = world.session("coder");
    let mut add = world.command(["secret", "add", "deploy-key"]);
    Outcome::of(&mut add, CANARY.as_bytes()).ok();
    let token = world
        .agent(&session, "token demo-api --scope api:read")
        .ok()
        .stdout;
    world.valetkey("doctor").ok();
    assert!(
        world
            .valetkey("secret list")
            .ok()
            .stdout
            .contains("deploy-key")
    );

    let pid = world.broker().pid();
    for file in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        assert!(!contains(&seen, CANARY.as_bytes()), "{file}");
    }
    world.stop();
    let mut looked_at = 0;
    each_file(world.folder(), &mut |path, bytes| {
        looked_at += 1;
        assert!(
            !contains(bytes, CANARY.as_bytes()),
            "the secret is in {}",
            path.display()
        );
        assert!(
            !contains(bytes, token.trim().as_bytes()),
            "the token is in {}",
            path.display()
        );
    });
    each_file(&world.desktop.home(), &mut |path, bytes| {
        assert!(
            !contains(bytes, CANARY.as_bytes()),
            "the secret is plain in {}",
            path.display()
        );
    });
    assert!(looked_at >= 3, "log, ledger and configuration at least");
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn each_file(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => each_file(&path, look),
            Ok(kind) if kind.is_file() => look(&path, &fs::read(&path).unwrap_or_default()),
            _ => {}
        }
    }
}

#[test]
fn the_broker_cannot_be_looked_into() {
    let world = World::at_work();
    let pid = world.broker().pid();
    // Not dumpable: the kernel gives its files to root, so an ordinary owner cannot open them.
    let owner = fs::metadata(format!("/proc/{pid}/mem")).expect("it runs");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 0);
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits can be read");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core = core.expect("there is such a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("status can be read");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(status.contains("Umask:\t0077"), "{status}");
}

#[test]
fn a_second_user_of_the_machine_gets_nothing() {
    let world = World::at_work();
    let session = world.session("coder");
    // Even where the folders are opened up by mistake, the kernel's word on the peer counts.
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("modes can be set");
    };
    let mut folder = session.socket.as_path();
    open(folder, 0o666);
    let home = world.desktop.home();
    let own = home.parent().expect("the desktop has a folder of its own");
    while let Some(parent) = folder.parent().filter(|parent| parent.starts_with(own)) {
        open(parent, 0o755);
        folder = parent;
    }
    open(&world.control(), 0o666);
    for socket in [&session.socket, &world.control()] {
        let outcome = as_another_user(&[
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "10",
            "--http2-prior-knowledge",
            "--unix-socket",
            socket.to_str().expect("a plain path"),
            "http://valetkey/v1/session",
        ]);
        assert_ne!(outcome.status, 0, "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{outcome:?}");
    }
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

/// Runs a command as a user that is not the test's: as `nobody` where the test is root, as another
/// mapped user of a user namespace where it is not.
fn as_another_user(command: &[&str]) -> Outcome {
    let mut run = if rustix::process::geteuid().is_root() {
        let mut run = Command::new("setpriv");
        run.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        run
    } else {
        let mut run = Command::new("sudo");
        run.args(["--non-interactive", "--user=nobody"]);
        run
    };
    Outcome::of(run.args(command), b"")
}
