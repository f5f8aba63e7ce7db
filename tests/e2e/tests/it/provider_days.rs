//! Bad days of the identity provider: down, slow, lying; a user who left; many who ask at once.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails a test"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use valetkey_devidp::Fault;
use valetkey_e2e::{Outcome, Tail, World, repository};

const TOKEN: &str = "token demo-api --scope api:read --json";
const ADMIN: &str = "admin sessions --account boss --json";

/// How many ask at once.
const CALLERS: usize = 100;

/// Seconds within which everything that must not wait for the provider is done, on the slowest
/// machine.
const SOON: u32 = 20;

fn at_work_with(provider: &str) -> World {
    let mut world = World::new();
    world.configure_provider(world.idp.issuer(), provider, "");
    world.start();
    world
}

/// Nobody is logged in, and no refresh token is left: not in the keyring, and no good one at the
/// provider.
#[track_caller]
fn nobody_is_logged_in(world: &World, after: &str) {
    nothing_is_kept(world, after);
    let report = world.idp.report();
    assert!(report.live_refresh_tokens.is_empty(), "{after}: {report:?}");
}

/// Nobody is logged in, and the keyring holds no refresh token.
#[track_caller]
fn nothing_is_kept(world: &World, after: &str) {
    let status = world.valetkey("status --json").ok().json();
    assert_eq!(status["accounts"], Value::Array(Vec::new()), "{after}");
    let entries = world.desktop.entries().expect("the keyring can be asked");
    let logins: Vec<_> = entries
        .iter()
        .filter(|entry| entry.contains("login/"))
        .collect();
    assert!(logins.is_empty(), "{after}: {logins:?}");
}

#[test]
fn a_login_at_a_provider_that_is_down_says_so_and_works_when_it_is_back() {
    let world = at_work_with("");
    world.idp.go_down();
    let refused = world
        .valetkey_within(SOON, "login --json")
        .refused(6, "upstream_unavailable");
    assert!(refused.contains("does not answer"), "{refused}");
    world.idp.come_back().expect("the port is free");
    nobody_is_logged_in(&world, "a provider that is down");
    world.login("default", "alice").ok();
}

#[test]
fn a_login_at_a_provider_that_hangs_ends_after_the_configured_time() {
    let world = at_work_with("request_timeout = \"1s\"");
    world.idp.misbehave([Fault::DiscoveryHangs]);
    world
        .valetkey_within(SOON, "login --json")
        .refused(6, "upstream_unavailable");
    world.idp.misbehave([Fault::TokenHangs]);
    let refused = world.login("default", "alice");
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.stderr.contains("next: "), "{refused:?}");
    let records = world.records("login_refused");
    assert_eq!(records.len(), 2, "{records:?}");
    world.idp.misbehave([]);
    nobody_is_logged_in(&world, "a provider that hangs");
}

/// Every lie, the exit status that it ends in, the code in the ledger, and a word of why.
const LIES: &[(Fault, i32, &str, &str)] = &[
    (Fault::WrongIssuer, 5, "login_refused", "issuer"),
    (
        Fault::WrongNonce,
        5,
        "login_refused",
        "answers another request",
    ),
    (Fault::NoNonce, 5, "login_refused", "answers no request"),
    (Fault::WrongAudience, 5, "login_refused", "another client"),
    (Fault::NoAudience, 5, "login_refused", "another client"),
    (
        Fault::ExtraAudience,
        5,
        "login_refused",
        "several audiences",
    ),
    (Fault::WrongAzp, 5, "login_refused", "another-client"),
    (Fault::WrongAtHash, 5, "login_refused", "at_hash"),
    (Fault::Expired, 5, "login_refused", "clocks"),
    (Fault::IssuedInFuture, 5, "login_refused", "future"),
    (Fault::AlgNone, 5, "login_refused", "algorithm"),
    (Fault::AlgHs256, 5, "login_refused", "algorithm"),
    (Fault::UnknownKid, 5, "login_refused", "does not publish"),
    (Fault::WrongKey, 5, "login_refused", "signature"),
    (Fault::NoIdToken, 5, "login_refused", "no id token"),
    (
        Fault::NoRefreshToken,
        5,
        "login_refused",
        "no refresh token",
    ),
    (
        Fault::WrongResponseIssuer,
        5,
        "login_refused",
        "came back from the issuer",
    ),
    (
        Fault::NoResponseIssuer,
        5,
        "login_refused",
        "without the `iss`",
    ),
    (Fault::Deny, 5, "login_refused", "denied"),
    (
        Fault::TokenInvalidGrant,
        6,
        "upstream_refused",
        "invalid_grant",
    ),
    (Fault::TokenServerError, 6, "upstream_unavailable", "500"),
    (Fault::TokenGarbage, 6, "upstream_unavailable", "json"),
    (Fault::JwksUnavailable, 6, "upstream_unavailable", "503"),
];

#[test]
fn no_lie_of_the_provider_logs_anybody_in() {
    let mut world = at_work_with("");
    for (fault, status, code, why) in LIES {
        // Keys are asked for once in a run.
        if *fault == Fault::JwksUnavailable {
            world.stop();
            world.start();
        }
        world.idp.misbehave([*fault]);
        let refused = world.login("default", "alice");
        assert_eq!(refused.status, *status, "{fault:?}: {refused:?}");
        assert!(refused.stderr.contains("next: "), "{fault:?}: {refused:?}");
        let record = world
            .records("login_refused")
            .pop()
            .expect("it is recorded");
        assert_eq!(record["code"], *code, "{fault:?}: {record}");
        let detail = record["detail"].as_str().unwrap_or_default().to_lowercase();
        assert!(detail.contains(why), "{fault:?}: {detail}");
        world.idp.misbehave([]);
        nobody_is_logged_in(&world, &format!("{fault:?}"));
    }
    world.login("default", "alice").ok();
}

/// What is in such an answer cannot be given back, because it is not read to its end.
#[test]
fn an_answer_of_ten_megabytes_is_not_read() {
    let world = at_work_with("");
    world.idp.misbehave([Fault::TokenHuge]);
    let refused = world.login("default", "alice");
    assert_eq!(refused.status, 6, "{refused:?}");
    let record = world
        .records("login_refused")
        .pop()
        .expect("it is recorded");
    assert_eq!(record["code"], "upstream_unavailable", "{record}");
    nothing_is_kept(&world, "too much");
}

#[test]
fn a_provider_that_claims_to_be_another_is_not_asked_further() {
    let world = at_work_with("");
    world.idp.misbehave([Fault::WrongDiscoveryIssuer]);
    let refused = world.valetkey_within(SOON, "login --json");
    assert_ne!(refused.status, 0);
    assert!(refused.stderr.contains("next_step"), "{refused:?}");
    assert_eq!(world.idp.counters().authorize, 0);
    nobody_is_logged_in(&world, "another issuer");
}

#[test]
fn an_answer_to_another_state_is_no_answer() {
    let world = at_work_with("login_timeout = \"5s\"");
    world.idp.misbehave([Fault::WrongState]);
    let refused = world.login("default", "alice");
    assert_eq!(refused.status, 5, "{refused:?}");
    let record = world
        .records("login_refused")
        .pop()
        .expect("it is recorded");
    assert_eq!(record["code"], "login_abandoned");
    assert_eq!(
        world.idp.counters().token,
        0,
        "the code is not even redeemed"
    );
    nobody_is_logged_in(&world, "another state");
}

#[test]
fn clocks_may_differ_by_so_much_and_no_more() {
    let world = at_work_with("clock_skew = \"60s\"");
    // With room for the seconds that a login takes.
    for (skew, good) in [(-390, false), (400, false), (-330, true), (45, true)] {
        world.idp.set_clock_skew(skew);
        let outcome = world.login("default", "alice");
        assert_eq!(
            outcome.status,
            if good { 0 } else { 5 },
            "{skew}: {outcome:?}"
        );
        if !good {
            nobody_is_logged_in(&world, &format!("{skew} s"));
        }
    }
}

#[test]
fn keys_that_were_rotated_or_replaced_are_found() {
    let world = at_work_with("");
    world.login("default", "alice").ok();
    world.idp.rotate_keys();
    world.login("default", "alice").ok();
    world.idp.replace_keys();
    world.login("default", "alice").ok();
}

#[test]
fn an_account_of_the_wrong_organisation_is_denied() {
    let world = at_work_with("required_claims = { organisation = \"acme\" }");
    let refused = world.login("default", "alice");
    assert_eq!(refused.status, 3, "{refused:?}");
    for said in [
        "`organisation`",
        "next: log in with an account of the right",
    ] {
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    nobody_is_logged_in(&world, "a claim that is missing");
}

/// Makes the login look as if it was renewed ten minutes ago and is due in a day.
fn age(world: &World, account: &str) {
    world.edit_login(account, |login| {
        login.expires = login.confirmed + 86_400;
        login.confirmed -= 600;
    });
}

#[test]
fn a_user_who_left_loses_the_sessions_when_the_provider_says_so() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.agent(&session, TOKEN).ok();
    world.stop();
    world.idp.revoke_user("alice");
    // The next renewal is due at once.
    world.edit_login("default", |login| login.expires = login.confirmed);
    world.start();
    let ledger = Tail::of(&world);
    let suspended = ledger.until(|record| record["event"] == "session_changed");
    assert_eq!(suspended["session"], session.id.as_str(), "{suspended}");
    assert_eq!(suspended["state"], "suspended", "{suspended}");
    ledger.until(|record| record["event"] == "logged_out");

    // A dead login answers without asking anybody.
    let before = world.idp.counters();
    let refused = world.agent(&session, TOKEN).refused(5, "session_suspended");
    assert!(!refused.is_empty());
    world
        .valetkey_within(SOON, "session start --agent coder --json")
        .refused(5, "login_expired");
    assert_eq!(world.idp.counters(), before);
}

#[test]
fn an_admin_who_was_taken_out_of_the_group_is_none_at_the_next_question() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.valetkey(ADMIN).ok();
    world.idp.misbehave([Fault::NoGroups]);
    world.stop();
    age(&world, "boss");
    world.start();
    let revoke = format!(
        "admin revoke --session {} --reason x --account boss --json",
        session.id
    );
    world.valetkey(&revoke).refused(3, "not_admin");
    assert_eq!(world.idp.counters().refresh, 1);
    world.agent(&session, TOKEN).ok();
    assert_eq!(world.records("admin_refused").len(), 1);
}

#[test]
fn an_admin_whom_the_provider_cannot_confirm_is_none() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.stop();
    age(&world, "boss");
    world.start();
    world.idp.go_down();
    world
        .valetkey_within(SOON, ADMIN)
        .refused(6, "upstream_unavailable");
    world.agent(&session, TOKEN).ok();
    world.idp.come_back().expect("the port is free");
    world.valetkey(ADMIN).ok();
}

/// Many commands at once, none of which may open a browser.
struct Crowd<'w> {
    world: &'w World,
    browser: PathBuf,
    mark: PathBuf,
}

impl<'w> Crowd<'w> {
    /// With a browser that leaves a mark when it is opened, as a login shows.
    fn of(world: &'w World) -> Self {
        let browser = world.folder().join("browser");
        let mark = world.folder().join("a-browser-was-opened");
        let real = repository().join("tests/providers/browser.py");
        let script = format!(
            "#!/bin/sh\ntouch '{}'\nexec '{}' \"$@\"\n",
            mark.display(),
            real.display()
        );
        fs::write(&browser, script).expect("the browser can be written");
        fs::set_permissions(&browser, Permissions::from_mode(0o700)).expect("and made a program");
        let crowd = Self {
            world,
            browser,
            mark,
        };
        let mut login = crowd.command("login --account other");
        Outcome::of(login.env("VALETKEY_TEST_USER", "bob"), b"").ok();
        assert!(crowd.mark.exists(), "a login opens the browser");
        fs::remove_file(&crowd.mark).expect("the mark can be wiped");
        crowd
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = self.world.command(arguments.split(' '));
        command.env("BROWSER", &self.browser);
        command
    }

    /// Asks in turns of these commands, all at once.
    fn asks(&self, commands: &[&str], socket: &Path) -> Vec<Outcome> {
        let start = |arguments: &&str| {
            let mut command = self.command(arguments);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            if arguments.starts_with("token") {
                command.env("VALETKEY_SOCKET", socket);
            }
            command.spawn().expect("valetkey starts")
        };
        let crowd: Vec<_> = commands.iter().cycle().take(CALLERS).map(start).collect();
        let outcomes = crowd.into_iter().map(|child| {
            let output = child.wait_with_output().expect("it can be waited for");
            Outcome {
                status: output.status.code().unwrap_or(-1),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }
        });
        let outcomes = outcomes.collect();
        assert!(!self.mark.exists(), "nobody opens a browser");
        outcomes
    }
}

#[test]
fn a_hundred_who_need_a_fresh_word_get_it_with_one_question() {
    let mut world = World::at_work();
    world.stop();
    age(&world, "boss");
    world.start();
    let crowd = Crowd::of(&world);
    let before = world.idp.counters();
    for outcome in crowd.asks(&[ADMIN], Path::new("")) {
        outcome.ok();
    }
    let after = world.idp.counters();
    assert_eq!(after.refresh, before.refresh + 1, "{after:?}");
    assert_eq!(after.authorize, before.authorize);
}

#[test]
fn a_hundred_who_meet_an_expired_login_are_told_with_one_question_and_no_browser() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.idp.revoke_user("alice");
    world.stop();
    age(&world, "default");
    world.start();
    let crowd = Crowd::of(&world);
    let before = world.idp.counters();
    let commands = [
        ("admin sessions --json", "login_expired"),
        ("session start --agent coder --json", "login_expired"),
        (TOKEN, "session_suspended"),
    ];
    let outcomes = crowd.asks(&commands.map(|(command, _)| command), &session.socket);
    for (outcome, (command, code)) in outcomes.iter().zip(commands.iter().cycle()) {
        // Who needs no fresh word goes on with the earlier one until the provider has answered.
        if outcome.status != 0 || command.starts_with("admin") {
            outcome.refused(5, code);
        }
    }
    let after = world.idp.counters();
    assert_eq!(after.refresh, before.refresh + 1, "{after:?}");
    assert_eq!(after.authorize, before.authorize);
    for (command, code) in commands {
        world.agent(&session, command).refused(5, code);
    }
    assert_eq!(
        world.idp.counters(),
        after,
        "a dead login is not asked about again"
    );
}
