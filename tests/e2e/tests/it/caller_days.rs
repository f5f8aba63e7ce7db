//! Callers that end too early, or are not the ones that a session was made for.
#![expect(clippy::expect_used, reason = "what fails here fails a test")]

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    time::Duration,
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use valetkey_e2e::{Outcome, Session, World, program};

const TOKEN: &str = "token demo-api --scope api:read --json";

/// Connects its standard input, asks something harmless and reads the answer, so that the broker knows
/// it; then sends what it was given and ends at once.
const CALLER: &str = r#"
import socket, sys
stream = socket.socket(fileno=0)
stream.connect(sys.argv[1])
stream.sendall(b"GET /v1/session HTTP/1.1\r\nhost: valetkey\r\n\r\n")
answer = b""
while b"\r\n\r\n" not in answer:
    answer += stream.recv(65536)
head, body = answer.split(b"\r\n\r\n", 1)
assert head.startswith(b"HTTP/1.1 200"), head
length = int([line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")][0])
while len(body) < length:
    body += stream.recv(65536)
stream.sendall(sys.argv[2].encode())
"#;

/// A connection that a process made which sent `first` and is gone.
fn left_behind(session: &Session, first: &str) -> UnixStream {
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    );
    let socket = socket.expect("a socket");
    let ours = socket.try_clone().expect("a second descriptor");
    let mut caller = Command::new("/usr/bin/python3");
    let caller = caller
        .args(["-I", "-c", CALLER])
        .arg(&session.socket)
        .arg(first);
    let ended = caller.stdin(socket).status().expect("python3 starts");
    assert!(ended.success(), "{ended}");
    let stream = UnixStream::from(ours);
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out can be set");
    stream
}

fn request() -> String {
    let body = r#"{"credential":"demo-api","scopes":["api:read"]}"#;
    let length = body.len();
    format!(
        "POST /v1/token HTTP/1.1\r\nhost: valetkey\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[test]
fn who_ends_before_the_reply_gets_no_token_and_neither_does_the_heir_of_the_socket() {
    let world = World::at_work();
    let session = world.session("coder");
    world.agent(&session, TOKEN).ok();
    let request = request();
    // With the caller's death before the first byte of the request, in its midst, and before its
    // last byte.
    for (n, sent) in [0, request.len() / 2, request.len() - 1]
        .into_iter()
        .enumerate()
    {
        let (first, rest) = request.split_at(sent);
        let mut stream = left_behind(&session, first);
        stream
            .write_all(rest.as_bytes())
            .expect("the connection is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 403"), "{sent}: {answer}");
        assert!(answer.contains("caller_gone"), "{sent}: {answer}");
        assert!(!answer.contains("access_token"), "{sent}: {answer}");

        assert_eq!(world.records("token_issued").len(), 1, "{sent}");
        let refused = world.records("token_refused");
        assert_eq!(refused.len(), n + 1, "{sent}");
        assert_eq!(refused[n]["code"], "caller_gone", "{sent}");
    }
    world.agent(&session, TOKEN).ok();
}

/// A token request of `curl`'s.
fn curl(world: &World, session: &Session) -> Outcome {
    let mut command = Command::new("curl");
    world.surround(&mut command);
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--unix-socket",
        ])
        .arg(&session.socket)
        .args([
            "--json",
            r#"{"credential":"demo-api","scopes":["api:read"]}"#,
        ])
        .arg("http://valetkey/v1/token");
    Outcome::of(&mut command, b"").ok()
}

#[test]
fn a_pinned_session_serves_the_one_program_and_no_other() {
    let world = World::at_work();
    let pinned =
        |path: &Path| world.session_with("coder", &format!("--pin-executable {}", path.display()));
    let ours = pinned(&program("valetkey"));
    world.agent(&ours, TOKEN).ok();
    assert_eq!(curl(&world, &ours).json()["error"], "caller_refused");

    let theirs = pinned(&fs::canonicalize("/usr/bin/curl").expect("curl is installed"));
    assert!(curl(&world, &theirs).json()["access_token"].is_string());
    for asked in [TOKEN, "grants --json", "session show --json"] {
        world.agent(&theirs, asked).refused(3, "caller_refused");
    }
    let refused = world.records("token_refused");
    assert_eq!(refused.len(), 2, "{refused:?}");
    for record in refused {
        assert!(
            record["detail"]
                .as_str()
                .is_some_and(|why| why.contains("executable")),
            "{record}"
        );
    }
}

#[test]
fn a_session_pinned_to_a_cgroup_serves_nobody_outside() {
    let world = World::at_work();
    let groups = fs::read_to_string("/proc/self/cgroup").expect("it can be read");
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.expect("there are cgroups of version 2");
    let inside = world.session_with("coder", &format!("--pin-cgroup {own}"));
    world.agent(&inside, TOKEN).ok();

    let outside = world.session_with("coder", "--pin-cgroup /valetkey-test.slice/elsewhere");
    world.agent(&outside, TOKEN).refused(3, "caller_refused");
    let refused = world
        .records("token_refused")
        .pop()
        .expect("it is recorded");
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|why| why.contains("cgroup")),
        "{refused}"
    );
}
