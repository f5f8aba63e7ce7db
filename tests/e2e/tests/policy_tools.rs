//! Explain, simulate, check: what policies say, would say, and whether they say anything.

use std::fs;

use serde_json::Value;
use valetkey_e2e::World;

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
    let baseline = valetkey_e2e::repository().join("policies");
    let checked = world.valetkey(&format!(
        "policy check {0}/baseline --cases {0}/cases --json",
        baseline.display()
    ));
    let checked: Value = checked.json();
    let cases = checked["cases"].as_array().expect("a list");
    assert!(cases.len() > 10, "{checked}");

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
