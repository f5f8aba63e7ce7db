//! Rules that do nothing are found, and those that do something are not called idle.

use std::{collections::BTreeMap, sync::Arc};

use valetkey_core::{Credential, Credentials};
use valetkey_support::contracts::policy::credential;

use super::{REQUESTS, find};
use crate::{BASELINE, generated::file, rules::Rules};

fn idle(text: &str, credentials: impl IntoIterator<Item = Credential>) -> BTreeMap<String, String> {
    let rules = Rules::read(&[file(text.to_owned())], &Arc::default()).unwrap();
    let credentials: Credentials = credentials.into_iter().collect();
    let (idle, looked_at) = find(&rules, &credentials).unwrap();
    assert!(looked_at > 0 && looked_at <= REQUESTS, "{looked_at}");
    idle.into_iter()
        .map(|rule| (rule.policy, rule.why))
        .collect()
}

fn baseline() -> String {
    BASELINE.iter().map(|(_, text)| *text).collect()
}

#[test]
fn nothing_of_the_baseline_is_idle() {
    assert_eq!(idle(&baseline(), []), BTreeMap::new());
    let mut configured = [
        credential("api", &["api:read", "api:write"]),
        credential("db", &[]),
    ];
    configured[1].labels.insert("production".to_owned());
    assert_eq!(idle(&baseline(), configured), BTreeMap::new());
}

#[test]
fn nothing_of_the_examples_is_idle() {
    let text = [
        include_str!("../../../../../policies/examples/people-and-agents.cedar"),
        include_str!("../../../../../policies/examples/places.cedar"),
        include_str!("../../../../../policies/examples/four-eyes.cedar"),
        include_str!("../../../../../policies/examples/network.cedar"),
        include_str!("../../../../../policies/examples/paths.cedar"),
    ];
    assert_eq!(idle(&(baseline() + &text.concat()), []), BTreeMap::new());
}

#[test]
fn a_rule_that_applies_to_nothing_is_idle() {
    let why = "it applied to no request";
    for (n, rule) in [
        "permit (principal, action, resource is Valetkey::Credential) when { context.scope == \"a\" && context.scope == \"b\" };",
        "permit (principal, action, resource) when { context.lifetimeSeconds > 3600 };",
        "permit (principal, action, resource == Valetkey::Credential::\"no name\");",
        "permit (principal == Valetkey::Session::\"no id\", action, resource);",
        "permit (principal, action, resource is Valetkey::Credential) when { context.scope like \"a*\" && !(context.scope like \"*\") };",
        "forbid (principal is Valetkey::Session, action == Valetkey::Action::\"grant\", resource)
            when { context.scope like \"a:*\" && context.scope == \"b:a:x\" };",
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("{} @id(\"idle\") {rule}", baseline());
        let found = idle(&text, []);
        assert_eq!(found.get("idle").map(String::as_str), Some(why), "{n}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_rule_that_another_makes_needless_is_idle() {
    for (rule, by) in [
        // A narrower permit of the same tier.
        ("permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"grant\", resource)
            when { context.scope == \"repo:read\" && context.lifetimeSeconds <= 300 &&
                !resource.labels.contains(\"production\") };", "baseline.developers-read"),
        // The same with more friction.
        ("permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"grantAfterReview\", resource)
            when { context.scope == \"read\" && context.lifetimeSeconds <= 900 &&
                !resource.labels.contains(\"production\") };", "baseline.developers-read"),
        // A permit of what is never given.
        ("permit (principal, action == Valetkey::Action::\"grant\", resource)
            when { context.scope == \"admin\" };", "baseline.never-administer"),
        // A forbid of what is forbidden.
        ("forbid (principal in Valetkey::Group::\"dev\", action, resource is Valetkey::Credential)
            when { context.scope like \"*:admin\" };", "baseline.never-administer"),
        // An approver who is one already.
        ("permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"approve\", resource)
            when { context.requester == principal };", "baseline.own-sessions"),
    ] {
        let text = format!("{} @id(\"idle\") {rule}", baseline());
        let found = idle(&text, []);
        let why = format!("the answer is the same without it, by `{by}`");
        assert_eq!(found.get("idle"), Some(&why), "{rule} {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_forbid_of_what_nothing_permits_is_idle() {
    let text = "
        @id(\"idle\") forbid (principal, action, resource is Valetkey::Credential)
            when { context.scope == \"write\" };
        @id(\"read\") permit (principal, action == Valetkey::Action::\"grant\", resource)
            when { context.scope == \"read\" };";
    let found = idle(text, []);
    assert_eq!(
        found["idle"],
        "where it applies nothing is permitted without it either"
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn of_two_that_say_the_same_both_are_idle() {
    let rule = "permit (principal, action == Valetkey::Action::\"grant\", resource);";
    let found = idle(&format!("@id(\"a\") {rule} @id(\"b\") {rule}"), []);
    assert!(found["a"].ends_with("by `b`") && found["b"].ends_with("by `a`"));
}

/// The exceptions of forbids are what a search by single values would miss.
#[test]
fn a_rule_that_matters_in_a_corner_is_not_idle() {
    for rule in [
        // Only with three things at once.
        "permit (principal in Valetkey::Group::\"ops\", action == Valetkey::Action::\"grant\", resource)
            when { context.scope like \"db:*\" && context.lifetimeSeconds == 17 &&
                resource.labels.contains(\"production\") };",
        // Only where two patterns meet.
        "forbid (principal, action == Valetkey::Action::\"grant\", resource)
            when { context.scope like \"db:*\" };",
        // Only for one second of lifetime.
        "permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"grant\", resource)
            when { context.scope == \"read\" && context.lifetimeSeconds <= 901 };",
        // Only for one's own.
        "permit (principal is Valetkey::Session, action == Valetkey::Action::\"grant\", resource)
            when { resource has owner && resource.owner == principal.user };",
    ] {
        let text = format!("{} @id(\"corner\") {rule}", baseline());
        assert_eq!(idle(&text, []), BTreeMap::new(), "{rule}");
    }
}

/// There is an end to it, and what was found until then is true.
#[test]
fn the_search_ends() {
    let others: Vec<_> = (0..400)
        .map(|n| {
            format!(
                "@id(\"{n}\") permit (principal, action == Valetkey::Action::\"grant\", resource)
                    when {{ context.scope like \"{n}:*\" }};"
            )
        })
        .collect();
    let twins = ["a", "b"].map(|id| {
        format!(
            "@id(\"{id}\") permit (principal, action == Valetkey::Action::\"grant\", resource)
                when {{ context.audience like \"https://*\" }};"
        )
    });
    let few = idle(&(twins.concat() + &others[..10].concat()), []);
    assert_eq!(few.keys().collect::<Vec<_>>(), ["a", "b"]);
    let many = idle(&(others.concat() + &twins.concat()), []);
    assert!(many.keys().all(|id| id == "a" || id == "b"), "{many:?}");
}

#[test]
fn in_the_network_too_what_does_nothing_is_found() {
    let no_request = "it applied to no request";
    let by = |id: &str| format!("the answer is the same without it, by `{id}`");
    for (rule, why) in [
        ("forbid (principal, action in Valetkey::Action::\"send\", resource) when { context.method == \"delete\" };",
            no_request.to_owned()),
        ("forbid (principal, action in Valetkey::Action::\"reach\", resource == Valetkey::Host::\"a.example\")
            when { context.host == \"b.example\" };", no_request.to_owned()),
        ("forbid (principal, action in Valetkey::Action::\"reach\", resource) when { context.port > 65535 };",
            no_request.to_owned()),
        ("permit (principal in Valetkey::Group::\"dev\", action == Valetkey::Action::\"connect\", resource in Valetkey::Host::\"a.example\")
            when { resource.injected };", by("baseline.reach-injected")),
        ("forbid (principal, action in Valetkey::Action::\"send\", resource)
            when { principal.profile == \"read-only\" && context.method == \"POST\" };", by("baseline.read-only-looks")),
    ] {
        let text = format!("{} @id(\"idle\") {rule}", baseline());
        let found = idle(&text, []);
        assert_eq!(found.get("idle"), Some(&why), "{rule} {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn in_the_network_too_what_matters_in_a_corner_is_not_idle() {
    for rule in [
        "forbid (principal, action in Valetkey::Action::\"reach\", resource in Valetkey::Host::\"a.example\")
            when { context.port == 8443 && context.scheme == \"http\" && resource.injected };",
        "forbid (principal, action in Valetkey::Action::\"send\", resource == Valetkey::Host::\"a.example\")
            when { context.method == \"PUT\" && context.path like \"/v1/*\" && !context.plain };",
        "permit (principal in Valetkey::Agent::\"tester\", action == Valetkey::Action::\"connect\", resource)
            when { context.host like \"*.test.example\" && principal.profile == \"\" };",
        "permit (principal, action == Valetkey::Action::\"grant\", resource is Valetkey::Credential)
            when { principal.profile == \"read-only\" && context.scope == \"x\" };",
    ] {
        let text = format!("{} @id(\"corner\") {rule}", baseline());
        assert_eq!(idle(&text, []), BTreeMap::new(), "{rule}");
    }
}

#[test]
fn a_rule_about_a_host_meets_one_about_its_domain() {
    let text = "
        permit (principal, action == Valetkey::Action::\"connect\", resource in Valetkey::Host::\"a.example\")
            when { context.port == 8443 };
        forbid (principal, action in Valetkey::Action::\"reach\", resource == Valetkey::Host::\"x.a.example\");";
    assert_eq!(idle(text, []), BTreeMap::new());
}
