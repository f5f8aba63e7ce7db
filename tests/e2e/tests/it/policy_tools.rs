//! Explain, simulate, check: what policies say, would say, and whether they say anything.

use std::fs;

use serde_json::Value;
use valetkey_e2e::{Outcome, World};

#[test]
fn a_refusal_is_explained_by_its_request_id() {
    let world = World::at_work();
    let session = world.session("coder");
    let refused = world.agent(&session, "token demo-api --scope api:read --ttl 20m --json");
    // The credential's ceiling cuts it to a quarter of an hour, which the baseline allows.
    refused.ok();
    let asked = world.ask(&session, "token demo-api --scope api:delete");
    let record = world.records("approval_asked").pop().expect("recorded");
    assert_eq!(record["approval"], asked.as_str());
    let request = record["request"].as_str().expect("it has a request");
    // The end of an id is enough, of a session too.
    let (_, request) = request.split_at(22);
    let (_, of_session) = session.id.split_at(22);
    let explained = world
        .valetkey(&format!("policy explain {request} --json"))
        .ok()
        .json();
    assert_eq!(explained["tier"], "human", "{explained}");
    let rule = explained["change"]["rule"]
        .as_str()
        .expect("a rule that would change it");
    assert!(rule.contains("api:delete"), "{rule}");
    let human = world.valetkey(&format!("policy explain {request}")).ok();
    assert!(human.stdout.contains("human"), "{human:?}");

    // The rule does what was promised.
    let hypothetical = "policy explain --account default --agent coder --credential demo-api --scope api:read --json";
    assert_eq!(world.valetkey(hypothetical).ok().json()["tier"], "auto");
    let hypothetical = format!(
        "policy explain --session {of_session} --credential demo-api --scope api:write --json"
    );
    assert_eq!(world.valetkey(&hypothetical).ok().json()["tier"], "review");
}

#[test]
fn policies_are_in_force_of_somewhere() {
    let mut world = World::at_work();
    let said = |world: &World| {
        let reloaded = world.valetkey("policy reload").ok().stdout;
        (reloaded, world.valetkey("doctor").stdout)
    };
    let (reloaded, doctor) = said(&world);
    assert!(reloaded.starts_with("14 policies of the shipped baseline are in force.\n"));
    assert!(
        doctor.contains("14 of the shipped baseline in force"),
        "{doctor}"
    );

    let folder = world.policies("");
    let shown = folder.display();
    world.stop();
    world.configure(&format!("[policy]\nfolder = \"{shown}\"\n"));
    world.start();
    let (reloaded, doctor) = said(&world);
    assert!(reloaded.starts_with(&format!("14 policies of `{shown}` are in force.\n")));
    assert!(
        doctor.contains(&format!("14 of `{shown}` in force")),
        "{doctor}"
    );

    fs::write(folder.join("99-test.cedar"), "permit").expect("policies can be written");
    let refused = world
        .valetkey("policy reload --json")
        .refused(2, "policy_invalid");
    assert!(
        refused.contains("; the earlier policies stay in force"),
        "{refused}"
    );
}

const INJECTED: &str = r#"
[credentials.tracker]
source = "static"

[[credentials.tracker.inject]]
hosts = ["tracker.example.test"]
header = "authorization"
"#;

#[test]
fn what_a_sandbox_would_ask_for_is_explained() {
    let mut world = World::new();
    world.configure(INJECTED);
    world.start();
    world.login("default", "alice").ok();
    let explain = |arguments: &[&str]| {
        let explain = ["policy", "explain", "--agent", "coder", "--json"];
        let mut command = world.command(explain.iter().chain(arguments).copied());
        Outcome::of(&mut command, b"").ok().json()
    };
    let new = ["--connect", "https://new.example.test"];
    let trace = ["--request", "TRACE https://new.example.test/"];
    for (arguments, tier, policy) in [
        (&new[..], "human", "baseline.reach-ask"),
        (
            &[&new[..], &["--profile", "open"]].concat(),
            "auto",
            "baseline.reach-all-when-open",
        ),
        (
            &["--connect", "https://tracker.example.test"],
            "auto",
            "baseline.reach-injected",
        ),
        (&trace, "deny", "baseline.never-trace"),
        (
            &["--credential", "tracker", "--scope", "read"],
            "auto",
            "baseline.developers-read",
        ),
        (
            &["--credential", "tracker", "--scope", "write"],
            "review",
            "baseline.developers-write",
        ),
        (
            &[
                "--credential",
                "network",
                "--scope",
                "connect",
                "--audience",
                "https://new.example.test",
            ],
            "human",
            "baseline.reach-ask",
        ),
    ] {
        let explained = explain(arguments);
        assert_eq!(explained["tier"], tier, "{arguments:?}: {explained}");
        let decided = &explained["scopes"][0]["voices"][0]["policy"];
        assert_eq!(decided, policy, "{arguments:?}: {explained}");
    }
    let explained = explain(&new);
    let rule = explained["change"]["rule"].as_str().expect("a rule");
    assert!(
        rule.contains("Valetkey::Host::\"new.example.test\""),
        "{rule}"
    );
}

#[test]
fn a_changed_folder_is_tried_on_what_was_asked() {
    let world = World::at_work();
    let session = world.session("coder");
    for _ in 0..3 {
        world
            .agent(&session, "token demo-api --scope api:read")
            .ok();
    }
    world.ask(&session, "token demo-api --scope api:delete");
    let folder = world.policies(
        "@id(\"test.nothing-is-read\") forbid (principal, action, resource is Valetkey::Credential) when { context.scope == \"api:read\" };",
    );
    let simulated = world
        .valetkey(&format!(
            "policy simulate --folder {} --days 1 --json",
            folder.display()
        ))
        .ok()
        .json();
    assert_eq!(simulated["requests"], 4, "{simulated}");
    let differing = simulated["differing"].as_array().expect("a list");
    assert_eq!(differing.len(), 3, "{simulated}");
    assert!(
        differing
            .iter()
            .all(|one| one["tier"] == "auto" && one["would_be"] == "deny")
    );
    // It was a try.
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

#[test]
fn a_folder_is_checked_with_its_cases() {
    let world = World::at_work();
    // A copy, because the modes of a clone's files are its owner's affair.
    let shipped = world.policies("").display().to_string();
    let cases = valetkey_e2e::repository().join("policies/cases");
    for folder in [shipped.as_str(), ""] {
        let check = format!("policy check {folder} --cases {}", cases.display());
        let checked: Value = world.valetkey(&format!("{check} --json")).ok().json();
        assert!(checked["cases"].as_array().expect("a list").len() > 60);
        let shown = world.valetkey(&check).ok().stdout;
        assert!(shown.contains("cases hold"), "{shown}");
    }

    let folder = world.policies(
        "@id(\"test.broken\") permit (principal, action, resource) when { context.nonesuch };",
    );
    let broken = world.valetkey(&format!("policy check {} --json", folder.display()));
    let said = broken.refused(2, "policy_invalid");
    assert!(said.contains("nonesuch"), "{said}");
    fs::write(
        folder.join("99-test.cedar"),
        "@id(\"test.shadowed\") permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"grant\", resource) when { context.scope == \"api:read\" && context.lifetimeSeconds < 60 && !resource.labels.contains(\"production\") };",
    )
    .expect("policies can be written");
    let idle = world
        .valetkey(&format!("policy check {} --json", folder.display()))
        .ok()
        .json();
    let named = idle["idle"].as_array().expect("a list");
    assert!(
        named.iter().any(|one| one["policy"] == "test.shadowed"),
        "{idle}"
    );
}
