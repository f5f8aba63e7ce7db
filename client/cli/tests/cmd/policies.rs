//! Explanations, simulations and checks of policies.

use crate::{
    doors::HELD,
    run::run,
    stub::{Script, Stub},
};

#[test]
fn a_request_of_the_ledger_is_explained() {
    let stub = Stub::start();
    let shown = stub.owner("policy explain request-7").ok().stdout;
    assert_eq!(
        shown,
        "agent `coder` asks for word\n\
         human: a person has to grant it\n\
         What came of it then: word\n\
         Scope api:write: human\n  \
         baseline.write permits: word\n\
         One change: add a rule for word\n    \
         permit (\n      word\n    );\n\
         That would also allow:\n  word\n\
         What could be asked for instead:\n  word\n"
    );
    assert_eq!(stub.last(), "Some(Request(\"request-7\"))");
    let json = stub.owner("policy explain request-7 --json").ok().json();
    assert_eq!(json["tier"], "human");
    assert_eq!(json["scopes"][0]["voices"][0]["forbids"], false);
    assert_eq!(json["change"]["also"][0], "word");
}

#[test]
fn a_request_that_nobody_made_is_explained() {
    let stub = Stub::start();
    let explain = "policy explain --credential demo-api --scope api:write";
    stub.owner(&format!("{explain} --ttl 5m --agent coder --account boss"))
        .ok();
    assert_eq!(
        stub.last(),
        "Some(Hypothetical(Hypothetical { session: None, account: \"boss\", agent: \"coder\", \
         credential: \"demo-api\", scopes: [\"api:write\"], audience: None, \
         lifetime_seconds: Some(300), profile: None, network: None }))"
    );
    stub.owner(&format!("{explain} --session s-1")).ok();
    assert!(stub.last().contains("session: Some(\"s-1\")"));
    for wrong in [
        "policy explain",
        "policy explain --scope a",
        "policy explain request-7 --credential demo-api --agent coder",
        "policy explain --credential demo-api",
        "policy explain --credential demo-api --agent coder --session s-1",
        "policy explain --connect https://a.test",
        "policy explain --connect https://a.test --credential demo-api --agent coder",
        "policy explain --connect https://a.test --scope a --agent coder",
        "policy explain --connect https://a.test --profile open --session s-1",
        "policy explain request-7 --connect https://a.test",
        "policy explain request-7 --profile open",
    ] {
        assert_eq!(stub.owner(wrong).status, 2, "{wrong}");
    }
    for unclear in ["policy explain", "policy explain --credential demo-api"] {
        assert_eq!(
            stub.owner(unclear).stderr,
            "valetkey: it is not clear which request is meant\n\
             next: name either a REQUEST-ID, or `--credential`, `--connect` or `--request`, with `--session` or with `--account` and `--agent`\n"
        );
    }
}

#[test]
fn the_network_is_asked_about_in_its_own_words() {
    let stub = Stub::start();
    let explain = |arguments: &[&str]| {
        let command = ["policy", "explain", "--agent", "coder"];
        let mut command = stub.owner_command(command.iter().chain(arguments).copied());
        run(&mut command, b"").ok();
        stub.last()
    };
    let asked = explain(&["--connect", "https://a.test", "--profile", "open"]);
    assert_eq!(
        asked,
        "Some(Hypothetical(Hypothetical { session: None, account: \"default\", agent: \"coder\", \
         credential: \"\", scopes: [], audience: None, lifetime_seconds: None, \
         profile: Some(\"open\"), network: Some(Connect(\"https://a.test\")) }))"
    );
    let asked = explain(&["--request", "GET https://a.test/x"]);
    let sent = "profile: None, network: Some(Request(\"GET https://a.test/x\"))";
    assert!(asked.contains(sent), "{asked}");
}

#[test]
fn what_stands_in_the_way_whatever_the_policies_say_is_told() {
    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    let explain = "policy explain --connect http://10.0.0.1 --agent coder";
    let shown = stub.owner(explain).ok().stdout;
    assert!(
        shown.contains("human: a person has to grant it\nword\n"),
        "{shown}"
    );
    let json = stub.owner(&format!("{explain} --json")).ok().json();
    assert_eq!(json["care"], "word");
}

#[test]
fn a_session_that_would_ask_is_found_by_a_part_of_its_id() {
    let stub = Stub::start();
    let explain = "policy explain --credential demo-api --session";
    let (_, part) = HELD.split_at(HELD.len() - 6);
    stub.owner(&format!("{explain} {part}")).ok();
    assert!(stub.last().contains(HELD), "{}", stub.last());
    let unknown = stub.owner(&format!("{explain} abcdef"));
    assert!(unknown.stderr.contains("there is no session `abcdef`"));
}

#[test]
fn a_changed_folder_is_replayed() {
    let stub = Stub::start();
    let mut command = stub.owner_command("policy simulate --folder ./p --days 7".split(' '));
    let shown = run(command.current_dir("/tmp"), b"").ok().stdout;
    assert_eq!(
        stub.last(),
        "SimulatePoliciesRequest { folder: \"/tmp/p\", days: 7 }"
    );
    assert!(
        shown.starts_with("3 of 12 requests would be answered otherwise.\n"),
        "{shown}"
    );
    assert!(shown.contains("auto -> deny"), "{shown}");
    assert!(shown.contains("https://api.test"), "{shown}");
    assert!(shown.ends_with("The newest 1 is shown.\n"), "{shown}");
    let json = stub.owner("policy simulate --folder /p --json").ok().json();
    assert_eq!(json["differing"][0]["would_be"], "deny");
    assert_eq!(
        stub.last(),
        "SimulatePoliciesRequest { folder: \"/p\", days: 30 }"
    );
    assert_eq!(stub.owner("policy simulate --folder /p --days 0").status, 2);
}

#[test]
fn a_case_that_does_not_hold_is_a_failure_and_an_idle_rule_is_not() {
    let stub = Stub::start();
    for name in ["check", "test"] {
        let mut command = stub.owner_command(["policy", name, "p", "--cases", "c"]);
        let shown = run(command.current_dir("/tmp"), b"").ok().stdout;
        assert!(
            shown.contains("4 policies are valid, all 2 cases hold."),
            "{shown}"
        );
        assert!(
            shown.starts_with(
                "rule test.idle does nothing: word\n\
                 rule test.unseen holds only for what is seen: word\n"
            ),
            "{shown}"
        );
        assert_eq!(
            stub.last(),
            "CheckPoliciesRequest { folder: Some(\"/tmp/p\"), cases: Some(\"/tmp/c\") }"
        );
    }
    stub.owner("policy check").ok();
    assert_eq!(
        stub.last(),
        "CheckPoliciesRequest { folder: None, cases: None }"
    );

    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    let wrong = stub.owner("policy check");
    assert_eq!(wrong.status, 1, "{wrong:?}");
    assert!(
        wrong.stdout.starts_with("case writing: word\n"),
        "{wrong:?}"
    );
    let json = stub.owner("policy check --json");
    assert_eq!(json.status, 1);
    assert_eq!(json.json()["cases"][1]["wrong"], "word");
    assert!(json.json()["cases"][0]["wrong"].is_null());
}
