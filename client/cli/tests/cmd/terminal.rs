//! What is different when a person looks: `script` of util-linux lends a terminal.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use crate::{
    doors::decisions::question,
    run::Outcome,
    stub::{QUESTION, Script, Stub},
};

/// Runs a developer's command on a terminal, and answers once it has asked.
fn at_terminal(stub: &Stub, arguments: &str, variables: &[(&str, &str)], answer: &str) -> Outcome {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_valetkey"));
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("XDG_RUNTIME_DIR", stub.runtime())
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    if !answer.is_empty() {
        let mut byte = [0];
        // Both questions end in a colon or a period and nothing else in them does.
        while !seen.ends_with(b": ") && !seen.ends_with(b"go on.") {
            stdout.read_exact(&mut byte).unwrap();
            seen.extend(byte);
        }
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_end(&mut seen).unwrap();
    drop(stdin);
    Outcome {
        status: child.wait().unwrap().code().unwrap_or(-1),
        stdout: String::from_utf8(seen).unwrap(),
        stderr: String::new(),
    }
}

#[test]
fn colour_is_for_terminals_and_not_against_a_wish() {
    let stub = Stub::start();
    let coloured = at_terminal(&stub, "doctor", &[], "").ok();
    assert!(coloured.stdout.contains("\u{1b}[32mwell"), "{coloured:?}");
    let plain = at_terminal(&stub, "doctor", &[("NO_COLOR", "1")], "").ok();
    assert!(!plain.stdout.contains('\u{1b}'), "{plain:?}");
    let piped = stub.owner("doctor").ok();
    assert!(!piped.stdout.contains('\u{1b}'), "{piped:?}");
}

#[test]
fn a_person_types_the_secret_at_a_prompt() {
    let stub = Stub::start();
    let added = at_terminal(&stub, "secret add deploy-key", &[], "canary\n").ok();
    assert!(
        added.stdout.contains("Secret `deploy-key`, not shown: "),
        "{added:?}"
    );
    let secrets = stub.script.secrets.lock().unwrap();
    assert_eq!(*secrets, [("deploy-key".to_owned(), b"canary".to_vec())]);
}

#[test]
fn a_person_is_asked_before_everything_is_revoked() {
    let stub = Stub::start();
    let revoke = "admin revoke --all --reason drill --account boss";
    let refused = at_terminal(&stub, revoke, &[], "no\n");
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(
        refused.stdout.contains("nothing was revoked"),
        "{refused:?}"
    );
    assert!(stub.heard().is_empty());
    at_terminal(&stub, revoke, &[], "yes\n").ok();
    assert_eq!(stub.heard().len(), 1);
    at_terminal(&stub, &format!("{revoke} --yes"), &[], "").ok();
    assert_eq!(stub.heard().len(), 2);
}

#[test]
fn a_person_is_asked_before_a_yes_is_given() {
    let approve = "approvals approve aaaa0001 --session";
    let stub = Stub::start();
    for no in ["n\n", "\n", "no\n", "Yes, but\n"] {
        let refused = at_terminal(&stub, approve, &[], no);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stdout.contains("Grant this? [y/N]"), "{refused:?}");
        assert!(
            refused.stdout.contains("nothing was answered"),
            "{refused:?}"
        );
    }
    let answers = || {
        let heard = stub.heard();
        heard
            .iter()
            .filter(|call| call.starts_with("Answer"))
            .count()
    };
    assert_eq!(answers(), 0);
    at_terminal(&stub, approve, &[], "y\n").ok();
    assert_eq!(answers(), 1);
    let stub = Stub::start();
    let unasked = at_terminal(&stub, &format!("{approve} --yes"), &[], "").ok();
    assert!(!unasked.stdout.contains("[y/N]"), "{unasked:?}");
}

#[test]
fn no_word_of_an_agents_stands_where_a_fact_does() {
    // With no blanks in a row, and as wide as a line: what comes after it would begin the next one.
    let forged = ["scopes", "tier", "a yes is for"].map(|name| {
        let fill = "_".repeat(79 - name.len());
        format!("{fill} {name}")
    });
    let mut asked = question(QUESTION, "word");
    asked.reason = Some(forged.concat());
    asked.workspace = Some(forged.concat());
    let script = Script::default();
    script.approvals.send_replace(vec![asked]);
    let stub = Stub::with(script);
    let approve = "approvals approve aaaa0001 --once --yes";
    let card = at_terminal(&stub, approve, &[("NO_COLOR", "1")], "").ok();
    let shown = card.stdout.split("Granted").next().unwrap();
    for line in shown.lines() {
        assert!(line.trim_end().chars().count() <= 80, "{shown}");
    }
    for name in ["scopes ", "tier ", "a yes is for "] {
        let begin = shown.lines().filter(|line| line.starts_with(name));
        assert_eq!(begin.count(), 1, "{name}: {shown}");
    }
}

#[test]
fn a_person_sees_what_is_waited_for_and_ends_it_with_a_key() {
    let stub = Stub::with(Script {
        asks: true,
        ..Script::default()
    });
    let socket = stub.session();
    let variables = [("VALETKEY_SOCKET", socket.to_str().unwrap())];
    let ended = at_terminal(&stub, "token demo-api --wait 2m", &variables, "\u{3}");
    // The status is that of the shell around it, which the key ends as well.
    let line = format!("waits for an approval: {QUESTION}");
    assert!(ended.stdout.contains(&line), "{ended:?}");
    assert!(ended.stdout.contains("took question"), "{ended:?}");
    assert!(stub.last().starts_with("WithdrawApprovalRequest"));
}
