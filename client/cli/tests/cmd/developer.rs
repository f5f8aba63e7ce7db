//! What developers run.

use std::fs;

use crate::doors::HELD;
use crate::{
    run::{run, valetkey},
    stub::{Script, Stub},
};

#[test]
fn a_secret_comes_from_standard_input() {
    let stub = Stub::start();
    let added = stub.owner_with("secret add deploy-key", b"canary\n").ok();
    assert_eq!(added.stdout, "Secret `deploy-key` stored in the keyring.\n");
    assert!(!added.stdout.contains("canary") && !added.stderr.contains("canary"));
    let secrets = stub.script.secrets.lock().unwrap();
    assert_eq!(*secrets, [("deploy-key".to_owned(), b"canary".to_vec())]);
}

#[test]
fn a_secret_that_is_replaced_or_that_nothing_uses_is_told() {
    let stub = Stub::start();
    let add = |name: &str| {
        stub.owner_with(&format!("secret add {name}"), b"canary")
            .ok()
    };
    let first = add("deploy-key");
    assert_eq!(first.stderr, "");
    let again = add("deploy-key");
    assert_eq!(
        again.stdout,
        "Secret `deploy-key` replaced in the keyring.\n"
    );
    assert_eq!(again.stderr, "");
    let unused = add("deploy-kye");
    assert!(
        unused
            .stderr
            .contains("no credential of the configuration has a secret `deploy-kye`"),
        "{unused:?}"
    );
}

#[test]
fn an_empty_secret_is_not_stored() {
    let stub = Stub::start();
    for input in [&b""[..], b"\n"] {
        let refused = stub.owner_with("secret add deploy-key", input);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(
            refused.stderr.contains("the secret is empty"),
            "{refused:?}"
        );
    }
    assert!(stub.script.secrets.lock().unwrap().is_empty());
}

#[test]
fn a_secret_is_never_an_argument() {
    let stub = Stub::start();
    for arguments in [
        "secret add deploy-key canary",
        "secret add deploy-key --value canary",
    ] {
        assert_eq!(stub.owner_with(arguments, b"x").status, 2, "{arguments}");
    }
    assert!(stub.heard().is_empty());
}

#[test]
fn secrets_are_listed_and_removed() {
    let stub = Stub::start();
    assert_eq!(
        stub.owner("secret list").ok().stdout,
        "name        store\ndeploy-key  word\n"
    );
    assert_eq!(
        stub.owner("secret list --json").ok().json()["names"][0],
        "deploy-key"
    );
    stub.owner("secret remove deploy-key").ok();
    assert_eq!(stub.last(), "RemoveSecretRequest { name: \"deploy-key\" }");
}

#[test]
fn a_session_is_started_and_says_how_to_reach_it() {
    let stub = Stub::start();
    let started = stub
        .owner("session start --agent coder --ttl 2h --workspace /w")
        .ok();
    assert!(
        started
            .stdout
            .ends_with("\nexport VALETKEY_SOCKET=/run/word/session.sock\n"),
        "{started:?}"
    );
    assert_eq!(
        stub.last(),
        "StartSessionRequest { account: \"default\", agent: \"coder\", workspace: Some(\"/w\"), \
         lifetime_seconds: Some(7200), pin_executable_sha256: None, pin_cgroup: None, sandbox: None }"
    );
    let json = stub.owner("session start --agent coder --json").ok().json();
    assert_eq!(json["id"], "s-1");
    assert_eq!(json["socket"], "/run/word/session.sock");
}

#[test]
fn a_session_is_pinned_to_an_executable_and_a_cgroup() {
    let stub = Stub::start();
    let program = stub.runtime().join("program");
    fs::write(&program, "abc").unwrap();
    let program = program.to_str().unwrap();
    let arguments =
        format!("session start --agent coder --pin-executable {program} --pin-cgroup /a/b");
    stub.owner(&arguments).ok();
    let heard = stub.last();
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(
        heard.contains(&format!("pin_executable_sha256: Some(\"{digest}\")")),
        "{heard}"
    );
    assert!(heard.contains("pin_cgroup: Some(\"/a/b\")"), "{heard}");
    let refused = stub.owner("session start --agent coder --pin-executable /nonexistent");
    assert_eq!(refused.status, 2, "{refused:?}");
}

#[test]
fn sessions_are_listed_shown_and_ended() {
    let stub = Stub::start();
    let listed = stub.owner("session list --recent 5").ok().stdout;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 5, "{listed}");
    assert!(
        lines[0].ends_with("  agent  user  state    ends in"),
        "{listed}"
    );
    assert!(lines[2].ends_with("revoked  -"), "{listed}");
    assert_eq!(stub.last(), "ListSessionsRequest { recent: Some(5) }");
    let json = stub.owner("session list --json").ok().json();
    assert_eq!(json["sessions"][1]["state"], "revoked");

    let shown = stub.owner("session show 7fdaf21b").ok().stdout;
    assert!(shown.contains(&format!("session    {HELD}")), "{shown}");
    assert!(shown.contains("lease-1  demo-api"), "{shown}");
    let json = stub
        .owner(&format!("session show {HELD} --json"))
        .ok()
        .json();
    assert_eq!(
        (&json["id"], &json["leases"][0]["id"]),
        (&HELD.into(), &"lease-1".into())
    );

    let ended = stub.owner("session end 01a1f9").ok().stdout;
    assert_eq!(ended, format!("Session {HELD} is ended.\n"));
    let unknown = stub.owner("session end 01a1f8");
    assert!(
        unknown.stderr.contains("there is no session"),
        "{unknown:?}"
    );
}

#[test]
fn the_ledger_is_read_line_by_line() {
    let stub = Stub::start();
    let tail = stub.owner("audit tail -n 2").ok().stdout;
    assert_eq!(
        tail,
        "1  2001-09-09 01:46:40  token refused  code=denied  credential=word  caller.uid=1000\n\
         2  2001-09-09 01:46:40  token refused  code=denied  credential=word  caller.uid=1000\n"
    );
    let json = stub.owner("audit tail -n 2 --json").ok().stdout;
    for line in json.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["record"]["event"], "token_refused");
        assert_eq!(record["hash"], "00ff");
    }
    stub.owner("audit tail --after 9 --follow").ok();
    assert_eq!(
        stub.last(),
        "TailAuditRequest { after: Some(9), last: None, follow: true }"
    );
}

#[test]
fn a_ledger_with_a_fault_is_a_failure() {
    let whole = Stub::start().owner("audit verify").ok().stdout;
    assert!(
        whole.contains(
            "The ledger is whole: 12 records, 3 checkpoints; nothing was cut off up to record 11."
        ),
        "{whole}"
    );
    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    let broken = stub.owner("audit verify");
    assert_eq!(broken.status, 1, "{broken:?}");
    assert!(broken.stdout.contains("record 7: word"), "{broken:?}");
    assert!(
        broken.stdout.contains(
            "The ledger is not whole, 1 fault: 1 record, 1 checkpoint; nothing was cut off"
        ),
        "{broken:?}"
    );
    let json = stub.owner("audit verify --json");
    assert_eq!(json.status, 1);
    assert_eq!(json.json()["faults"][0]["sequence"], 7);
    assert_eq!(json.json()["whole"], false);
}

#[test]
fn doctor_fails_when_something_is_ill() {
    // Whether sandboxes can be made is this machine's affair, and never an illness.
    let words = |text: &str| {
        let lines = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>()
    };
    let fine = words(&Stub::start().owner("doctor").ok().stdout);
    assert_eq!(fine[0], "well keyring word", "{fine:?}");
    assert!(
        fine.iter()
            .any(|line| line.contains(" sandbox: bubblewrap ")),
        "{fine:?}"
    );
    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    let ill = stub.owner("doctor");
    assert_eq!(ill.status, 1, "{ill:?}");
    assert!(
        words(&ill.stdout).contains(&"ill ledger word".to_owned()),
        "{ill:?}"
    );
    assert_eq!(ill.stderr, "");
}

#[test]
fn one_is_no_plural() {
    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    for (arguments, words) in [
        ("status", "valetkeyd word, 1 live session, tokens"),
        ("policy check", "1 policy is valid, 1 of 2 cases does not"),
        ("policy check", "were looked for among 1 request."),
        ("policy reload", "1 policy of word is in force."),
        ("policy simulate --folder /p", "of 1 request would be"),
    ] {
        let shown = stub.owner(arguments).stdout;
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn the_rest_answers_in_both_forms() {
    let stub = Stub::start();
    for (arguments, human, key) in [
        ("status", "valetkeyd word, 2 live sessions", "token_issuer"),
        (
            "logout",
            "Logged out (account default).",
            "provider_problem",
        ),
        (
            "policy reload",
            "4 policies of word are in force.",
            "origin",
        ),
        ("keys list", "published until 2100-01-01", "keys"),
        ("keys rotate", "There are no keys yet", "keys"),
    ] {
        let outcome = stub.owner(arguments).ok();
        assert!(outcome.stdout.contains(human), "{outcome:?}");
        let json = stub.owner(&format!("{arguments} --json")).ok().json();
        assert!(!json[key].is_null(), "{arguments}: {json}");
    }
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut valetkey(["completions", shell]), b"").ok().stdout;
        assert!(script.contains("valetkey"), "{shell}");
        assert!(script.contains("revoke"), "{shell}");
    }
}
