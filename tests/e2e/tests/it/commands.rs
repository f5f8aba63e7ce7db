//! What `valetkey exec` gives a command in a room: what the strictest rule for it says, and nothing else.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails a test"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use valetkey_e2e::{Outcome, Tail, World, repository};

/// A program that says what it was called with and what it has in its environment.
const PROGRAM: &str = r#"#!/bin/bash
echo "$(basename "$0") $*"
env | sort | grep -E '^[A-Z_]*(TOKEN|PASSWORD)=' || true
"#;

const CREDENTIALS: [(&str, &str); 5] = [
    ("github-read", "github:read"),
    ("github-write", "github:write"),
    ("github-push", "github:push"),
    ("cluster-read", "cluster:read"),
    ("cluster-write", "cluster:write"),
];

/// A world that is not open yet, with these rules for commands.
fn ruled(rules: &str) -> World {
    let world = World::new();
    let file = world.folder().join("commands.toml");
    fs::write(&file, rules).unwrap();
    let credentials = CREDENTIALS.map(|(name, scope)| {
        format!("[credentials.{name}]\nsource = \"signed\"\nscopes = [\"{scope}\"]\naudiences = [\"https://{name}.example.test\"]\n")
    });
    let extra = format!(
        "[commands]\nfile = \"{}\"\n{}",
        file.display(),
        credentials.concat()
    );
    world.configure_errands(None, &[], &extra);
    world
}

/// The same with the rules that are shipped, open, and with programs of those names in the workspace.
fn shipped() -> World {
    let rules = fs::read_to_string(repository().join("policies/commands.toml")).unwrap();
    let mut world = ruled(&rules);
    world.open_for_errands();
    for name in ["gh", "kubectl", "git"] {
        let path = world.workspace().join(name);
        fs::write(&path, PROGRAM).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    world
}

/// The line of what ran and the variables that it was given, with the payloads of their tokens.
fn ran(said: &Outcome) -> (String, Vec<(String, serde_json::Value)>) {
    let mut lines = said.stdout.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let given = lines.map(|line| {
        let (name, token) = line.split_once('=').unwrap();
        (name.to_owned(), claims(token))
    });
    (line, given.collect())
}

fn claims(token: &str) -> serde_json::Value {
    let payload = token
        .split('.')
        .nth(1)
        .unwrap_or_else(|| panic!("no token: {token}"));
    let padded = format!(
        "{}{}",
        payload.replace('-', "+").replace('_', "/"),
        "=".repeat((4 - payload.len() % 4) % 4)
    );
    let decoded = Outcome::of(Command::new("base64").arg("-d"), padded.as_bytes()).ok();
    serde_json::from_str(&decoded.stdout).unwrap()
}

#[test]
fn a_command_has_what_its_rule_names_and_nothing_else() {
    let world = shipped();
    for (line, variable, scope) in [
        ("./gh pr list --state open", "GH_TOKEN", "github:read"),
        ("./kubectl get pods", "KUBE_TOKEN", "cluster:read"),
        ("./git fetch origin", "GIT_PASSWORD", "github:read"),
    ] {
        let said = world.errand(&format!("valetkey exec -- {line}")).ok();
        let (what, given) = ran(&said);
        assert_eq!(format!("./{what}"), line);
        let [(name, claims)] = given.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(
            (name.as_str(), &claims["scope"]),
            (variable, &scope.into()),
            "{claims}"
        );
        let issued = world.records("token_issued").pop().unwrap();
        assert_eq!(issued["lease"]["id"], claims["jti"], "{issued}");
    }
    // What starts it has nothing of it, and its status is the command's own.
    let script = "valetkey exec -- ./gh pr list >/dev/null; env | grep -c TOKEN || true
        printf 'exit 7' >gh; chmod +x gh; valetkey exec -- ./gh pr list";
    let said = world.errand(script);
    assert_eq!((said.status, said.stdout.as_str()), (7, "0\n"), "{said:?}");
}

#[test]
fn a_refused_command_does_not_run() {
    let world = shipped();
    for line in [
        "./gh auth token",
        "./gh api /user",
        "./kubectl get secrets",
        "./kubectl exec app -- sh",
        "sh -c './gh pr list'",
        "./gh -R acme/app pr list",
    ] {
        let said = world.errand(&format!("valetkey --json exec -- {line}"));
        said.refused(3, "command_refused");
        let refused = world.records("token_refused").pop().unwrap();
        assert_eq!(refused["code"], "command_refused", "{refused}");
        assert_eq!(refused["credential"], "", "{refused}");
    }
}

#[test]
fn the_strictest_rule_wins() {
    let rules = r#"
[[rules]]
command = "gh pr"
credential = "github-read"
scopes = ["github:read"]
variable = "READ_TOKEN"
examples = ["gh pr diff"]

[[rules]]
command = "gh pr list"
credential = "github-write"
scopes = ["github:write"]
variable = "WRITE_TOKEN"
tier = "human"
examples = ["gh pr list"]

[[rules]]
command = "gh pr list --mine"
credential = "github-read"
scopes = ["github:read"]
variable = "MINE_TOKEN"

[[rules]]
command = "gh pr list --none"
"#;
    let mut world = ruled(rules);
    world.open_for_errands();
    fs::write(world.workspace().join("gh"), PROGRAM).unwrap();
    fs::set_permissions(
        world.workspace().join("gh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let exec = |line: &str| world.errand(&format!("valetkey --json exec -- {line}"));
    let (_, given) = ran(&exec("./gh pr diff").ok());
    assert_eq!(given[0].0, "READ_TOKEN");
    // The longer rule is milder, and does not soften the one that is met as well.
    exec("./gh pr list --mine").refused(4, "approval_pending");
    exec("./gh pr list --none").refused(3, "command_refused");
}

#[test]
fn a_human_rule_waits_for_its_approval() {
    let world = shipped();
    let tail = Tail::of(&world);
    let run = world
        .errand_command("", "valetkey exec --wait 60s -- ./kubectl delete pod app-1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tail.until(|record| record["event"] == "approval_asked");
    let question = world.questions().pop().unwrap();
    assert!(
        question.to_string().contains("kubectl delete pod app-1"),
        "{question}"
    );
    world.approve(&world.question(), "--once").ok();
    let output = run.wait_with_output().unwrap();
    let said = Outcome {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    world.nothing_kept(&said);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.stdout
            .starts_with("kubectl delete pod app-1\nKUBE_TOKEN="),
        "{said:?}"
    );
}

#[test]
fn rules_whose_examples_do_not_hold_are_not_started_with() {
    let world = ruled(
        "[[rules]]\ncommand = \"gh\"\n[[rules]]\ncommand = \"gh pr list\"\ncredential = \"github-read\"\nscopes = [\"github:read\"]\nvariable = \"GH_TOKEN\"\nexamples = [\"gh pr list\"]\n",
    );
    let ended = world.fail_to_start(Command::new("env"));
    assert!(!matches!(ended.status, 0 | 124), "{ended:?}");
    let says = "the example `gh pr list` of the rule `gh pr list` meets the rule `gh`";
    assert!(ended.stderr.contains(says), "{ended:?}");
    assert!(ended.stderr.contains("commands.toml"), "{ended:?}");
}
