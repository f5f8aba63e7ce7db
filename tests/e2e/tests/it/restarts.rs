//! A broker is started anew, and sandboxes go on with it: with their session, their proxy's authority, their
//! placeholders.

#![expect(clippy::expect_used, reason = "what fails in a helper fails the test")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Stdio},
};

use valetkey_e2e::{CANARY, Trip};

const API: &str = r#"
[credentials.api]
source = "static"
secret = "canary"
variable = "API_KEY"
[[credentials.api.inject]]
hosts = ["https://HOST"]
header = "authorization"
prefix = "Bearer "
scope = "read"
on_placeholder = true
"#;

/// It asks when it is told to, and says what was answered.
const SCRIPT: &str = r#"
ask() { curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' -H "authorization: Bearer $API_KEY" "$BASE/$1"; }
ask before
echo "$VALETKEY_SESSION"
while read -r path; do ask "$path" 2>&1; done
"#;

struct Errand {
    child: Child,
}

impl Errand {
    fn start(trip: &Trip, options: &str) -> Self {
        let script = format!("BASE={}\n{SCRIPT}", trip.base);
        let child = trip
            .world
            .errand_command(options, &script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self {
            child: child.expect("valetkey starts"),
        }
    }

    fn line(&mut self) -> String {
        line(self.child.stdout.as_mut().expect("its output"))
    }

    fn remark(&mut self) -> String {
        line(self.child.stderr.as_mut().expect("its remarks"))
    }

    fn tell(&mut self, path: &str) {
        let stdin = self.child.stdin.as_mut().expect("its input");
        writeln!(stdin, "{path}").expect("it listens");
    }

    /// All that it said since.
    fn end(mut self) -> (i32, String) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        let stdout = self.child.stdout.as_mut().expect("its output");
        stdout.read_to_string(&mut rest).expect("text");
        let status = self.child.wait().expect("it ends");
        (status.code().unwrap_or(-1), rest)
    }
}

/// Byte by byte: what follows stays in the pipe.
fn line(from: &mut impl std::io::Read) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, from)
        .read_line(&mut line)
        .expect("text");
    line.trim().to_owned()
}

#[track_caller]
fn told(said: &str, part: &str) {
    assert!(said.contains(part), "{said}");
}

#[test]
fn the_next_broker_serves_the_sandboxes_of_the_one_before() {
    let mut trip = Trip::to("origin.py", &[], API);
    let mut errand = Errand::start(&trip, "--kill-on-revoke");
    assert_eq!(errand.line(), "200");
    let session = errand.line();

    // Killed, then stopped in good order.
    for (path, kill) in [("again", true), ("and-again", false)] {
        match kill {
            true => trip.world.kill(),
            false => trip.world.stop(),
        }
        told(&errand.remark(), "until it is back");
        // It waits, and is not refused.
        errand.tell(path);
        trip.world.start();
        told(&errand.remark(), "is back");
        assert_eq!(errand.line(), "200", "{path}");
        let seen = trip.origin.seen_at(&format!("/{path}"));
        let bearer = format!("Bearer {CANARY}");
        assert_eq!(seen[0]["headers"]["authorization"], bearer, "{seen:?}");
    }
    let entered = trip.world.records("sandbox_entered");
    assert_eq!(entered.len(), 3, "{entered:?}");
    assert!(entered.iter().all(|one| one["session"] == session.as_str()));

    // And it ends like any other.
    let revoke = format!("admin revoke --session {session} --reason drill --account boss");
    trip.world.valetkey(&revoke).ok();
    assert_eq!(errand.end().0, 137);
}

/// What was revoked by a broker that another one followed is over for the sandbox as well.
#[test]
fn whose_session_ended_meanwhile_is_not_served() {
    let mut trip = Trip::to("origin.py", &[], API);
    let mut errand = Errand::start(&trip, "");
    assert_eq!(errand.line(), "200");
    let session = errand.line();
    let launcher = rustix::process::Pid::from_child(&errand.child);
    // It hears of nothing until the second broker is there.
    rustix::process::kill_process(launcher, rustix::process::Signal::STOP).expect("it runs");
    trip.world.kill();
    trip.world.start();
    trip.world.valetkey(&format!("session end {session}")).ok();
    rustix::process::kill_process(launcher, rustix::process::Signal::CONT).expect("it waits");
    told(&errand.remark(), "until it is back");
    let over = errand.remark();
    assert!(
        over.contains("ended") && over.contains("goes on without"),
        "{over}"
    );
    errand.tell("after");
    let said = errand.line();
    assert!(said.contains("000") || said.contains("curl"), "{said}");
    let (_, rest) = errand.end();
    assert!(!rest.contains("200"), "{rest}");
    assert_eq!(trip.origin.seen().len(), 1);
}
