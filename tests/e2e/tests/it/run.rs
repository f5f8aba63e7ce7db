//! `valetkey run` as people and scripts use it: how a command in a room ends, what reaches it from outside,
//! and what is left when its session or its broker is gone.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails in a helper fails the test"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use valetkey_e2e::{Outcome, World, as_ordinary_user, program, repository};

fn workspace(world: &World) -> PathBuf {
    let folder = world.folder().join("work");
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// `valetkey run` with these options and a shell script.
fn run(world: &World, options: &str, script: &str) -> Command {
    let mut command = world.command(["run", "--agent", "coder"]);
    command
        .args(options.split_whitespace())
        .args(["--", "sh", "-c", script])
        .current_dir(workspace(world));
    command
}

fn ran(world: &World, script: &str) -> Outcome {
    Outcome::of(&mut run(world, "", script), b"")
}

/// The state of a session, also of one that is over.
fn state(world: &World, id: &str) -> String {
    let listed = world.valetkey("session list --recent 20 --json").ok();
    let listed = listed.json();
    let all = listed["sessions"].as_array().expect("a list");
    let session = all.iter().find(|session| session["id"] == id);
    let state = session.expect("the session is known")["state"].as_str();
    state.expect("a state").to_owned()
}

#[test]
fn the_status_is_the_commands() {
    let world = World::at_work();
    assert_eq!(ran(&world, "exit 0").status, 0);
    assert_eq!(ran(&world, "exit 7").status, 7);
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11), ("INT", 2)] {
        let outcome = ran(&world, &format!("kill -{name} $$"));
        assert_eq!(outcome.status, 128 + number, "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
    let file = workspace(&world).join("no-program");
    fs::write(file, "text").expect("a file");
    for (program, status) in [("/no/such/program", 127), ("./no-program", 126)] {
        let mut command = world.command(["run", "--agent", "coder", "--", program]);
        let outcome = Outcome::of(command.current_dir(workspace(&world)), b"");
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert!(
            outcome.stderr.contains("could not be started"),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_is_piped_goes_through() {
    let world = World::at_work();
    let mut command = run(&world, "", "tee copy | wc -c; echo to the other >&2");
    let sent: Vec<u8> = (0..1 << 20).map(|n: u32| b'a' + (n % 26) as u8).collect();
    let outcome = Outcome::of(&mut command, &sent).ok();
    assert_eq!(outcome.stdout, "1048576\n");
    assert_eq!(outcome.stderr, "to the other\n");
    let copy = fs::read(workspace(&world).join("copy")).expect("the copy");
    assert!(copy == sent, "not a byte is another");
}

#[test]
fn the_session_ends_with_the_command_and_so_does_what_it_left_running() {
    let world = World::at_work();
    // It would hold the pipe open, and this test up, for longer than anybody waits.
    let script = "echo $VALETKEY_SESSION; (trap '' HUP TERM; exec sleep 1000) & exit 3";
    let outcome = ran(&world, script);
    assert_eq!(outcome.status, 3, "{outcome:?}");
    assert_eq!(state(&world, outcome.stdout.trim()), "ended");
    // Also where there was never a command.
    let mut command = world.command(["run", "--agent", "coder", "--", "/no/such/program"]);
    Outcome::of(command.current_dir(workspace(&world)), b"");
    let live = world.valetkey("session list --json").ok().json();
    assert_eq!(live["sessions"], json!([]));
}

/// A command in a room that has said that it is ready.
struct Job {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Job {
    fn start(world: &World, options: &str, script: &str) -> Self {
        let mut child = run(world, options, script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("valetkey starts");
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("a pipe")),
            stderr: BufReader::new(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    fn remark(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a line");
        line
    }

    fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input");
        writeln!(stdin, "{line}").expect("it listens");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    fn end(mut self) -> Outcome {
        drop(self.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("text");
        self.stderr.read_to_string(&mut stderr).expect("text");
        let status = self.child.wait().expect("it ends");
        Outcome {
            status: status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }
}

#[test]
fn signals_are_the_commands() {
    let world = World::at_work();
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
    ] {
        // The shell hears of it at once because it waits for its input itself.
        let script =
            format!("trap 'echo got {name}; exit 9' {name}; echo ready; read -r _; exit 1");
        let mut job = Job::start(&world, "", &script);
        assert_eq!(job.line(), "ready");
        job.signal(signal);
        assert_eq!(job.line(), format!("got {name}"));
        assert_eq!(job.end().status, 9, "{name}");
    }
    // Without a word of its own it ends by it.
    let mut job = Job::start(&world, "", "echo ready; exec tail -f /dev/null");
    assert_eq!(job.line(), "ready");
    job.signal(Signal::TERM);
    assert_eq!(job.end().status, 143);
}

/// It is not the command's yet, and what was begun for it is over.
#[test]
fn a_signal_before_there_is_a_command_ends_the_session() {
    let world = World::at_work();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        world.broker().signal(Signal::STOP);
        let job = Job::start(&world, "", "echo never");
        wait_until_caught(job.child.id(), signal);
        job.signal(signal);
        world.broker().signal(Signal::CONT);
        let outcome = job.end();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (status, ""),
            "{outcome:?}"
        );
        let live = world.valetkey("session list --json").ok().json();
        assert_eq!(live["sessions"], json!([]));
    }
}

/// An agent may have made it a long look. Its session does not wait for that.
#[test]
fn nobody_has_to_wait_for_what_is_looked_at_in_the_end() {
    let world = World::at_work();
    let mut job = Job::start(
        &world,
        "",
        "seq 2000 | xargs mkdir; mkdir big; printf '%65000s' > more
        printf '[include]\\npath=../more\\npath=../big/../more\\npath=../1/../more\\n' > big/config
        for n in $(seq 2000); do echo 'gitdir: ../big' > $n/.git; done; echo ready",
    );
    assert_eq!(job.line(), "ready");
    // Nothing else takes it so long.
    until("it looks", || hundredths(job.child.id()) > 50);
    assert!(has_no_session(&world));
    job.signal(Signal::INT);
    let remark = job.remark();
    assert!(remark.contains("is being looked through"), "{remark}");
    job.signal(Signal::INT);
    let outcome = job.end();
    assert_eq!(outcome.status, 130, "{outcome:?}");
    assert!(
        outcome.stderr.contains("was not looked through"),
        "{outcome:?}"
    );
}

#[test]
fn nobody_has_to_wait_for_a_sandbox_that_is_being_made() {
    let world = World::at_work();
    let protected = workspace(&world).join(".vscode");
    fs::create_dir(&protected).expect("a folder");
    let folder = fs::File::open(protected).expect("a folder");
    // What makes it waits for that a while, and nothing stops it.
    rustix::fs::flock(&folder, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    let mut job = Job::start(&world, "", "echo never");
    until("it makes one, which is another thread's", || {
        fs::read_dir(format!("/proc/{}/task", job.child.id())).is_ok_and(|tasks| tasks.count() > 1)
    });
    job.signal(Signal::TERM);
    let remark = job.remark();
    assert!(remark.contains("is still being made"), "{remark}");
    assert!(has_no_session(&world));
    job.signal(Signal::TERM);
    let outcome = job.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (143, ""));
}

fn has_no_session(world: &World) -> bool {
    let live = world.valetkey("session list --json").ok().json();
    live["sessions"] == json!([])
}

/// How long a process has been at work (`proc_pid_stat(5)`).
fn hundredths(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let times = rest.split(' ').skip(11).take(2);
    times
        .map(|time| time.parse::<u64>().expect("a number"))
        .sum()
}

fn until(what: &str, so: impl Fn() -> bool) {
    let in_time = (0..10_000_000).any(|_| {
        so() || {
            thread::yield_now();
            false
        }
    });
    assert!(in_time, "never: {what}");
}

/// Until the process has a handler of its own (`SigCgt` in proc_pid_status(5)).
fn wait_until_caught(pid: u32, signal: Signal) {
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("a number");
        mask & (1 << (signal.as_raw() - 1)) != 0
    };
    let in_time = (0..10_000_000).any(|_| {
        caught() || {
            thread::yield_now();
            false
        }
    });
    assert!(in_time, "it never listens");
}

/// Somebody at a terminal, who starts `valetkey run` with a script.
fn typed(world: &World, steps: &Value, script: &str) -> Outcome {
    let valetkey = program("valetkey");
    let valetkey = valetkey.to_str().expect("text");
    let run = [
        valetkey, "run", "--agent", "coder", "--", "sh", "-c", script,
    ];
    at_a_terminal(world, steps, &run)
}

fn at_a_terminal(world: &World, steps: &Value, words: &[&str]) -> Outcome {
    let mut command = Command::new("/usr/bin/python3");
    world
        .surround(&mut command)
        .env("TERM", "xterm")
        .args(["-I", "-c", include_str!("run/typist.py")])
        .arg(steps.to_string())
        .args(words)
        .current_dir(workspace(world));
    Outcome::of(&mut command, b"")
}

/// As editors do at Ctrl-Z: nobody outside of the room hears of it.
#[test]
fn a_command_that_stops_itself_gives_the_shell_its_terminal_back() {
    let world = World::at_work();
    let valetkey = program("valetkey");
    let run = format!(
        "{} run --agent coder -- sh -c 'echo rea\"\"dy; kill -TSTP $$; echo wok\"\"en; exit 6'\n",
        valetkey.display()
    );
    let steps = json!([
        ["type", run],
        ["see", "ready"],
        ["see", "Stopped"],
        ["type", "fg\n"],
        ["see", "woken"],
        ["type", "echo status $?\n"],
        ["see", "status 6"],
        ["type", "exit 0\n"],
    ]);
    let outcome = at_a_terminal(&world, &steps, &["bash", "--norc", "--noprofile", "-i"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
}

#[test]
fn ctrl_c_is_the_commands_and_whoever_survives_it_goes_on() {
    let world = World::at_work();
    let script = "trap 'echo interrupted' INT; echo ready
        read -r word || read -r word; echo heard $word; exit 5";
    let steps = json!([
        ["see", "ready"],
        ["type", "\u{3}"],
        ["see", "interrupted"],
        ["type", "go on\n"],
        ["see", "heard go on"],
    ]);
    let outcome = typed(&world, &steps, script);
    assert_eq!(outcome.status, 5, "{outcome:?}");
    let once = outcome.stdout.matches("interrupted").count();
    assert_eq!(once, 1, "typed once, heard once: {outcome:?}");

    let steps = json!([["see", "ready"], ["type", "\u{3}"]]);
    let outcome = typed(&world, &steps, "echo ready; exec cat");
    assert_eq!(outcome.status, 130, "{outcome:?}");
    let outcome = typed(
        &world,
        &json!([["see", "ready"], ["type", "\u{1c}"]]),
        "echo ready; exec cat",
    );
    assert_eq!(outcome.status, 131, "{outcome:?}");
}

#[test]
fn the_terminal_is_the_commands() {
    let world = World::at_work();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo a terminal; stty size
        trap 'stty size; exit 4' WINCH; echo ready; read -r _; read -r _";
    let steps = json!([
        ["see", "a terminal"],
        ["see", "24 80"],
        ["see", "ready"],
        ["size", 50, 132],
        ["see", "50 132"],
    ]);
    let outcome = typed(&world, &steps, script);
    assert_eq!(outcome.status, 4, "{outcome:?}");
    // What is typed is shown once.
    let steps = json!([["see", "ready"], ["type", "word\n"], ["see", "[word]"]]);
    let outcome = typed(&world, &steps, "echo ready; read -r word; echo \"[$word]\"").ok();
    assert_eq!(outcome.stdout.matches("word").count(), 2, "{outcome:?}");
}

const THEN_TOKEN: &str =
    "echo $VALETKEY_SESSION; read -r _; valetkey token demo-api --scope api:read; echo status $?";

#[test]
fn after_a_revocation_the_command_goes_on_and_is_refused() {
    let world = World::at_work();
    let mut job = Job::start(&world, "", THEN_TOKEN);
    let session = job.line();
    revoke(&world, &session);
    let told = job.remark();
    assert!(
        told.contains("revoked") && told.contains("goes on"),
        "{told}"
    );
    job.tell("now");
    let outcome = job.end();
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, "status 3\n"),
        "{outcome:?}"
    );
    assert!(outcome.stderr.contains("revoked"), "{outcome:?}");
    assert_eq!(state(&world, &session), "revoked");
}

#[test]
fn a_revocation_kills_where_that_is_asked_for() {
    let world = World::at_work();
    let script =
        "trap '' TERM HUP INT; echo $VALETKEY_SESSION; (exec sleep 1000) & read -r _; echo on";
    let mut job = Job::start(&world, "--kill-on-revoke", script);
    let session = job.line();
    revoke(&world, &session);
    // Its input is open still: nothing but the revocation ends it.
    let told = job.remark();
    assert!(
        told.contains("revoked") && told.contains("killed"),
        "{told}"
    );
    let mut rest = String::new();
    job.stdout.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "", "nobody is left who could say more");
    assert_eq!(job.end().status, 137);

    // The end of the session is enough.
    let mut job = Job::start(&world, "--kill-on-revoke", script);
    let session = job.line();
    world.valetkey(&format!("session end {session}")).ok();
    job.stdout.read_to_string(&mut rest).expect("text");
    assert_eq!(job.end().status, 137);
}

fn revoke(world: &World, session: &str) {
    let revoke = format!("admin revoke --session {session} --reason drill --account boss");
    world.valetkey(&revoke).ok();
}

#[test]
fn a_command_outlives_its_broker() {
    for options in ["", "--kill-on-revoke"] {
        let mut world = World::at_work();
        let mut job = Job::start(&world, options, THEN_TOKEN);
        assert_eq!(job.line().len(), 32);
        world.kill();
        let told = job.remark();
        assert!(
            told.contains("broker") && told.contains("until it is back"),
            "{told}"
        );
        job.tell("now");
        let outcome = job.end();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (0, "status 7\n"),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_would_show_too_much_is_no_workspace() {
    let world = World::at_work();
    let home = world.desktop.home();
    let configuration = world.folder().join("config/valetkey");
    for refused in [
        "/".into(),
        "/etc".into(),
        "/tmp".into(),
        home.clone(),
        home.parent().expect("a folder").to_owned(),
        configuration,
        world.runtime(),
        world.folder().join("not-there"),
    ] {
        let mut command = world.command(["run", "--agent", "coder", "--json", "--workspace"]);
        command.arg(&refused).args(["--", "touch", "made"]);
        let outcome = Outcome::of(&mut command, b"");
        outcome.refused(1, "sandbox_unavailable");
        assert!(!refused.join("made").exists());
    }
    let live = world.valetkey("session list --json").ok().json();
    assert_eq!(live["sessions"], json!([]), "and no session is left");
}

#[test]
fn a_profile_is_one_that_there_is_and_that_is_allowed() {
    let mut world = World::new();
    let folder = world.folder().join("etc");
    fs::create_dir_all(&folder).expect("a folder");
    world.script(
        "etc/requirements.toml",
        "[sandbox]\nallowed = [\"read-only\"]\n",
    );
    world.configure("[sandbox]\nprofile = \"read-only\"\n");
    let folder = folder.display().to_string();
    let required = [("VALETKEY_TEST_REQUIREMENTS", folder.as_str())];
    world.start_as("valetkeyd-faulty", &required);
    world.log_in();
    for refused in ["open", "workspace-write", "nope"] {
        let options = format!("--profile {refused} --json");
        let outcome = Outcome::of(&mut run(&world, &options, "echo in"), b"");
        outcome.refused(3, "profile_forbidden");
    }
    let inside = "touch made || echo read-only";
    let outcome = Outcome::of(&mut run(&world, "--profile read-only", inside), b"").ok();
    assert_eq!(outcome.stdout, "read-only\n");
    // The usual one, too.
    assert_eq!(ran(&world, inside).ok().stdout, "read-only\n");
}

#[test]
fn doctor_says_what_a_machine_lacks_for_rooms() {
    as_ordinary_user("run::doctor_says_what_a_machine_lacks_for_rooms", || {
        let mut world = World::new();
        world.start();
        world.log_in();
        let findings = |doctor: &Outcome| {
            let all = doctor.json()["findings"]
                .as_array()
                .expect("a list")
                .clone();
            let of_rooms = |finding: &&Value| name(finding).starts_with("sandbox: ");
            let first = all.iter().position(|finding| of_rooms(&finding));
            let first = first.expect("there are some");
            assert!(
                all.iter().skip(first).all(|finding| of_rooms(&finding)),
                "they are the last"
            );
            assert_ne!(first, 0, "the broker's are the first");
            all
        };
        let here = world.valetkey("doctor --json").ok();
        for finding in findings(&here) {
            assert_eq!(finding["health"], "well", "{finding}");
        }
        ran(&world, "true").ok();

        let contained = |arguments: &str| {
            let mut command = Command::new("/usr/bin/python3");
            world
                .surround(&mut command)
                .args(["-I", "-c", include_str!("run/contained.py")])
                .arg(program("valetkey"))
                .args(arguments.split_whitespace())
                .current_dir(workspace(&world));
            Outcome::of(&mut command, b"")
        };
        let there = findings(&contained("doctor --json").ok());
        let namespaces = there
            .iter()
            .find(|finding| name(finding) == "sandbox: namespaces");
        let namespaces = namespaces.expect("it is looked at");
        assert_eq!(namespaces["health"], "care", "no illness of the broker's");
        let text = namespaces["text"].as_str().expect("words");
        assert!(text.contains("bubblewrap said: "), "{text}");
        assert!(!namespaces["next_step"].is_null(), "{namespaces}");
        contained("run --agent coder --json -- true").refused(1, "sandbox_unavailable");
        let live = world.valetkey("session list --json").ok().json();
        assert_eq!(live["sessions"], json!([]));
    });
}

fn name(finding: &Value) -> &str {
    finding["name"].as_str().expect("a name")
}

/// A script is no test, but what it says must be true.
#[test]
fn the_typist_tells_what_was_never_shown() {
    let script = repository().join("tests/e2e/tests/it/run/typist.py");
    let mut command = Command::new("/usr/bin/python3");
    let steps = json!([["see", "something else"]]).to_string();
    command
        .arg("-I")
        .arg(script)
        .args([steps.as_str(), "echo", "something"]);
    let outcome = Outcome::of(&mut command, b"");
    assert!(outcome.stderr.contains("never shown"), "{outcome:?}");
}
