//! What agents run.

use crate::{
    run::{run, valetkey},
    stub::{Script, Stub},
};

#[test]
fn a_token_and_nothing_else_is_printed() {
    let stub = Stub::start();
    let outcome = stub.agent("token demo-api --scope api:read").ok();
    assert_eq!(outcome.stdout, "ey.demo-api\n");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_request_says_what_the_arguments_said() {
    let stub = Stub::start();
    let mut command = stub.agent_command([
        "token",
        "demo-api",
        "--scope",
        "a b",
        "-s",
        "c",
        "--audience",
        "https://api.test",
        "--ttl",
        "5m",
        "--min-validity",
        "90s",
        "--reason",
        "to look",
    ]);
    run(&mut command, b"").ok();
    assert_eq!(
        stub.last(),
        "GetTokenRequest { credential: \"demo-api\", scopes: [\"a\", \"b\", \"c\"], \
         audience: Some(\"https://api.test\"), lifetime_seconds: Some(300), \
         min_validity_seconds: Some(90), reason: Some(\"to look\"), wait_seconds: None }"
    );
}

#[test]
fn json_has_the_rest() {
    let stub = Stub::start();
    let json = stub
        .agent("token demo-api --scope api:read --json")
        .ok()
        .json();
    assert_eq!(json["access_token"], "ey.demo-api");
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 600);
    assert_eq!(json["scopes"][0], "api:read");
    assert_eq!(json["lease_id"], "lease-1");
}

#[test]
fn grants_are_a_table_and_json() {
    let stub = Stub::start();
    let outcome = stub.agent("grants").ok();
    assert_eq!(
        outcome.stdout,
        "credential  scopes         reviewed   needs a person  audiences         longest  given as\n\
         demo-api    api:read word  api:write  -               https://api.test  15m      token\n"
    );
    let json = stub.agent("grants --json").ok().json();
    assert_eq!(json["grants"][0]["credential"], "demo-api");
    assert_eq!(json["grants"][0]["max_lifetime_seconds"], 900);
    assert_eq!(json["grants"][0]["reviewed_scopes"][0], "api:write");
}

#[test]
fn who_may_ask_for_nothing_is_told_where_to_look() {
    let stub = Stub::with(Script {
        ungranted: true,
        ..Script::default()
    });
    let outcome = stub.agent("grants").ok();
    assert!(
        outcome
            .stdout
            .starts_with("This session may ask for nothing")
    );
    assert!(
        outcome
            .stdout
            .contains("`valetkey policy explain --credential NAME"),
        "{outcome:?}"
    );
    assert_eq!(stub.agent("grants --json").ok().stdout, "{\"grants\":[]}\n");
}

#[test]
fn a_command_is_run_with_what_its_rule_gives_and_ends_as_it_does() {
    let stub = Stub::start();
    let outcome = stub.agent("exec --wait 90s -- printenv GIVEN").ok();
    assert_eq!(outcome.stdout, "this and no more\n");
    let heard =
        r#"PrepareCommandRequest { command: ["printenv", "GIVEN"], wait_seconds: Some(90) }"#;
    assert_eq!(stub.heard(), [heard]);
    assert_eq!(stub.agent("exec -- false").status, 1);
    let missing = stub.agent("exec -- no-such-program");
    assert_eq!(missing.status, 127);
    assert!(
        missing
            .stderr
            .contains("`no-such-program` could not be started"),
        "{missing:?}"
    );
    assert_eq!(stub.agent("exec -- /etc/passwd").status, 126);
    assert_eq!(stub.agent("exec").status, 2);
}

#[test]
fn an_agent_sees_its_own_session() {
    let stub = Stub::start();
    let shown = stub.agent("session show").ok().stdout;
    assert!(
        shown.starts_with("session  s-1\nstate    active\n"),
        "{shown}"
    );
    assert_eq!(stub.agent("session show --json").ok().json()["id"], "s-1");
}

#[test]
fn outside_a_session_there_is_no_token() {
    for arguments in ["token demo-api", "grants", "exec -- true"] {
        let outcome = run(&mut valetkey(arguments.split(' ')), b"");
        assert_eq!(outcome.status, 2, "waiting would not help: {outcome:?}");
        assert_eq!(outcome.stdout, "");
        assert_eq!(
            outcome.stderr,
            "valetkey: `VALETKEY_SOCKET` is not set, so this is not inside a session\n\
             next: run it inside `valetkey run`, or set what `valetkey session start` printed\n"
        );
    }
    let shown = run(&mut valetkey(["session", "show"]), b"");
    assert!(
        shown
            .stderr
            .contains("next: name a session: `valetkey session list`"),
        "{shown:?}"
    );
}

#[test]
fn inside_a_sandbox_the_developers_commands_are_refused() {
    let stub = Stub::start();
    for arguments in ["status", "secret list", "login", "login --no-browser"] {
        let refused = stub.agent(arguments);
        assert_eq!(refused.status, 3, "{refused:?}");
        assert!(
            refused.stderr.contains(
                "next: inside, use `valetkey token`, `grants`, `exec` and `session show`"
            ),
            "{refused:?}"
        );
    }
}
