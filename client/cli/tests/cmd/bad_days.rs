//! Refusals, hostile words, closed pipes, and a broker that is not there.

use std::{
    fs::{self, File, Permissions},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
};

use valetkey_sdk::Code;

use crate::{
    run::{run, valetkey},
    stub::{Script, Stub},
};

/// Every command that prints what a broker says, and whether an agent runs it.
const COMMANDS: [(&str, bool); 34] = [
    ("grants", true),
    ("session show", true),
    ("approvals withdraw a-1", true),
    ("token demo-api", true),
    ("approvals", false),
    ("approvals watch", false),
    ("approvals approve aaaa0001 --session --yes", false),
    ("approvals deny aaaa0001", false),
    ("approvals forget bbbb0002", false),
    ("lock", false),
    ("unlock", false),
    ("session resume s-1", false),
    ("policy explain request-7", false),
    ("policy simulate --folder /p", false),
    ("policy check", false),
    ("admin lock --account boss", false),
    ("admin unlock --account boss", false),
    ("status", false),
    ("doctor", false),
    ("logout", false),
    ("login --no-browser", false),
    ("login --device", false),
    ("secret list", false),
    ("session start --agent coder", false),
    ("session list", false),
    ("session show s-1", false),
    ("session end s-1", false),
    ("audit tail", false),
    ("audit verify", false),
    ("policy reload", false),
    ("keys list", false),
    ("keys rotate", false),
    ("admin sessions --account boss", false),
    ("admin revoke --all --reason drill --account boss", false),
];

/// Clears the screen, sets the title, ends a line, comes as an eight-bit control, reorders, hides.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\r\nb\u{9b}31m\u{202e}evil\u{200b}\u{7f}";

fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}')
}

#[test]
fn hostile_words_reach_nobody() {
    for refuse in [None, Some(Code::Denied)] {
        let stub = Stub::with(Script {
            word: HOSTILE.to_owned(),
            refuse,
            ill: true,
            ..Script::default()
        });
        for (arguments, agent) in COMMANDS {
            for json in ["", " --json"] {
                let arguments = format!("{arguments}{json}");
                let outcome = if agent {
                    stub.agent(&arguments)
                } else {
                    stub.owner(&arguments)
                };
                let printed = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(!printed.is_empty(), "{arguments}");
                assert_eq!(
                    printed.chars().find(|c| is_hostile(*c)),
                    None,
                    "{arguments}: {outcome:?}"
                );
                assert!(
                    !printed.lines().any(|line| line.starts_with("b\u{fffd}")),
                    "a word cannot begin a line: {arguments}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn hostile_arguments_are_not_repeated() {
    let outcome = run(
        &mut valetkey(["token", "c", "--ttl", "\u{1b}[2J", "--nope\u{9b}"]),
        b"",
    );
    assert_eq!(outcome.status, 2);
    assert_eq!(
        outcome.stderr.chars().find(|c| is_hostile(*c)),
        None,
        "{outcome:?}"
    );
}

#[test]
fn a_refusal_has_a_status_a_next_step_and_a_request_id() {
    for code in Code::ALL.iter().copied() {
        let stub = Stub::with(Script {
            refuse: Some(code),
            ..Script::default()
        });
        let refused = stub.agent("token demo-api --scope api:read");
        assert_eq!(refused.status, code.row().exit as i32, "{refused:?}");
        assert_eq!(refused.stdout, "");
        assert_eq!(
            refused.stderr,
            format!(
                "valetkey: {}: word\nnext: {}\nrequest: request-7\n",
                code.row().text,
                code.row().next_step
            )
        );
    }
}

#[test]
fn json_failures_go_to_standard_error() {
    let stub = Stub::with(Script {
        refuse: Some(Code::KeyringLocked),
        ..Script::default()
    });
    let refused = stub.owner("secret list --json");
    assert_eq!((refused.status, refused.stdout.as_str()), (5, ""));
    let error: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!(error["error"], "keyring_locked");
    assert_eq!(error["request"], "request-7");
    assert_eq!(error["retry"], "after_next_step");
    assert!(error["next_step"].as_str().unwrap().contains("unlock"));
}

#[test]
fn a_broker_that_is_not_there_is_unreachable() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, agent) in COMMANDS {
        let mut command = valetkey(arguments.split(' '));
        if agent {
            command.env("VALETKEY_SOCKET", directory.path().join("session.sock"));
        } else {
            command.env("XDG_RUNTIME_DIR", directory.path());
        }
        let outcome = run(&mut command, b"");
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (7, ""),
            "{arguments}: {outcome:?}"
        );
        assert!(
            outcome.stderr.contains("next: "),
            "{arguments}: {outcome:?}"
        );
    }
}

#[test]
fn a_control_socket_where_nobody_listens_is_about_the_broker_alone() {
    let stub = Stub::start();
    fs::remove_file(stub.control()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(stub.control()).unwrap());
    let refused = stub.owner("status");
    assert_eq!(refused.status, 7, "{refused:?}");
    assert!(
        refused.stderr.ends_with(
            "next: start the broker with `systemctl --user start valetkeyd.socket` or `valetkeyd`\n"
        ),
        "{refused:?}"
    );
}

#[test]
fn a_runtime_folder_that_is_relative_is_not_called_absent() {
    let mut command = valetkey(["status"]);
    let refused = run(command.env("XDG_RUNTIME_DIR", "run"), b"");
    assert_eq!(refused.status, 7, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("`XDG_RUNTIME_DIR` is `run`, which is no absolute path"),
        "{refused:?}"
    );
}

#[test]
fn a_control_socket_that_others_could_replace_is_refused() {
    let stub = Stub::start();
    let folder = stub.runtime().join("valetkey");
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let refused = stub.owner_with("secret add deploy-key", b"canary");
    assert_eq!(refused.status, 7, "{refused:?}");
    assert!(
        refused.stderr.contains("belongs to you alone"),
        "{refused:?}"
    );
    assert!(stub.heard().is_empty());
}

#[test]
fn the_control_socket_can_be_named() {
    let stub = Stub::start();
    let mut command = valetkey(["status"]);
    run(command.env("VALETKEY_CONTROL", stub.control()), b"").ok();
}

#[test]
fn a_reader_that_has_seen_enough_is_told_nothing() {
    let stub = Stub::start();
    let mut child = stub
        .owner_command(["audit", "tail", "-n", "20000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(outcome.stderr).unwrap(), "");
    assert_eq!(outcome.status.code(), Some(1));
}

#[test]
fn a_full_disk_is_a_failure() {
    let stub = Stub::start();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = stub
        .agent_command(["token", "demo-api"])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(
        stderr.contains("standard output cannot be written"),
        "{stderr}"
    );
}

#[test]
fn what_cannot_be_read_is_usage() {
    for arguments in [
        "",
        "nonsense",
        "token",
        "token c --ttl 0",
        "token c --ttl -5",
        "token c --ttl 10w",
        "token c --min-validity 0",
        "session start",
        "session start --agent a --ttl -1h",
        "session start --agent a --ttl 0",
        "audit tail -n -1",
        "secret add",
    ] {
        let outcome = run(&mut valetkey(arguments.split_whitespace()), b"");
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (2, ""),
            "{arguments}: {outcome:?}"
        );
        assert!(!outcome.stderr.is_empty(), "{arguments}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    let version = run(&mut valetkey(["--version"]), b"").ok();
    assert_eq!(
        version.stdout,
        concat!("valetkey ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for arguments in [
        "--help",
        "login --help",
        "logout --help",
        "status --help",
        "doctor --help",
        "secret --help",
        "secret add --help",
        "session --help",
        "session start --help",
        "token --help",
        "grants --help",
        "approvals --help",
        "approvals list --help",
        "approvals watch --help",
        "approvals approve --help",
        "approvals deny --help",
        "approvals forget --help",
        "approvals withdraw --help",
        "lock --help",
        "unlock --help",
        "session resume --help",
        "policy explain --help",
        "policy simulate --help",
        "policy check --help",
        "admin lock --help",
        "admin unlock --help",
        "audit tail --help",
        "audit verify --help",
        "admin revoke --help",
        "policy reload --help",
        "keys rotate --help",
        "completions --help",
    ] {
        let help = run(&mut valetkey(arguments.split(' ')), b"").ok();
        assert!(
            help.stdout.contains("Usage: valetkey"),
            "{arguments}: {help:?}"
        );
        let first = help.stdout.lines().next().unwrap();
        assert!(!first.contains('`'), "no words of the code: {first}");
    }
}
