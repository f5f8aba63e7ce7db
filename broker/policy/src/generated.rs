//! Policies made up by the property tests: heads that match, heads that do not, and conditions of every
//! kind that the schema has.

use cedar_policy::Policy;
use proptest::{prelude::*, sample::select};

use crate::{files::PolicyFile, parse};

const SESSION: &str = "0198c0de00007000800000000000000f";

fn principal() -> impl Strategy<Value = String> {
    let heads = [
        "principal".to_owned(),
        "principal is Valetkey::Session".to_owned(),
        format!("principal == Valetkey::Session::\"{SESSION}\""),
        "principal == Valetkey::Session::\"0\"".to_owned(),
        "principal in Valetkey::Group::\"dev\"".to_owned(),
        "principal in Valetkey::Group::\"ops\"".to_owned(),
        "principal in Valetkey::Agent::\"coder\"".to_owned(),
        "principal in Valetkey::Agent::\"tester\"".to_owned(),
        "principal is Valetkey::Session in Valetkey::Group::\"dev\"".to_owned(),
        "principal in Valetkey::User::\"https://id.example.test#alice\"".to_owned(),
        "principal in Valetkey::User::\"https://id.example.test#bob\"".to_owned(),
    ];
    select(heads.to_vec())
}

/// What a policy is about: action, resource and condition.
fn about() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    prop_oneof![tokens(), network(), everything()]
}

fn tokens() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    let actions = vec![
        "action",
        "action == Valetkey::Action::\"grant\"",
        "action == Valetkey::Action::\"grantAfterApproval\"",
        "action in [Valetkey::Action::\"grant\", Valetkey::Action::\"grantAfterReview\"]",
    ];
    let resources = vec![
        "resource is Valetkey::Credential",
        "resource == Valetkey::Credential::\"api\"",
        "resource == Valetkey::Credential::\"db\"",
        "resource in Valetkey::Credential::\"api\"",
        "resource is Valetkey::Credential in Valetkey::Credential::\"db\"",
    ];
    let conditions = vec![
        "when { context.scope == \"read\" }",
        "when { context.scope like \"w*\" }",
        "unless { resource has owner }",
        "when { resource.labels.contains(\"production\") || resource.source == \"signed\" }",
        "when { context.audience == \"https://api.example.test\" }",
    ];
    (
        select(actions),
        select(resources),
        select([conditions, anything()].concat()),
    )
}

fn network() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    let actions = vec![
        "action",
        "action in Valetkey::Action::\"reach\"",
        "action in Valetkey::Action::\"send\"",
        "action == Valetkey::Action::\"connect\"",
        "action == Valetkey::Action::\"requestAfterReview\"",
        "action in [Valetkey::Action::\"send\", Valetkey::Action::\"connectAfterApproval\"]",
    ];
    let resources = vec![
        "resource is Valetkey::Host",
        "resource == Valetkey::Host::\"a.example.test\"",
        "resource == Valetkey::Host::\"example.test\"",
        "resource in Valetkey::Host::\"a.example.test\"",
        "resource in Valetkey::Host::\"example.test\"",
        "resource in Valetkey::Host::\"test\"",
        "resource is Valetkey::Host in Valetkey::Host::\"other.test\"",
    ];
    let conditions = vec![
        "when { context.port == 443 }",
        "when { context.host like \"a.*\" }",
        "unless { resource.injected }",
        "when { resource.name == \"other.test\" || resource.scheme == \"https\" }",
        "unless { resource in Valetkey::Host::\"example.test\" }",
        "when { resource in [Valetkey::Host::\"c.test\", Valetkey::Host::\"other.test\"] }",
    ];
    (
        select(actions),
        select(resources),
        select([conditions, anything()].concat()),
    )
}

fn everything() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    let actions = vec![
        "action",
        "action in [Valetkey::Action::\"send\", Valetkey::Action::\"connect\", Valetkey::Action::\"grant\"]",
    ];
    (select(actions), Just("resource"), select(anything()))
}

/// Conditions that every kind of question has the words of.
fn anything() -> Vec<&'static str> {
    vec![
        "",
        "unless { context.lifetimeSeconds > 300 }",
        "when { principal is Valetkey::Session && principal.agent == \"coder\" }",
        "when { principal is Valetkey::Session && principal.profile == \"open\" }",
        "when { principal in Valetkey::Group::\"ops\" }",
        "unless { principal in [Valetkey::Group::\"dev\", Valetkey::Group::\"ops\"] }",
        // Overflows, so that errors are compared too.
        "when { context.lifetimeSeconds * 9223372036854775807 > 0 }",
    ]
}

/// A permit or a forbid.
pub(crate) fn policy() -> impl Strategy<Value = String> {
    select(vec!["permit", "forbid"]).prop_flat_map(policy_that)
}

/// One of that effect.
pub(crate) fn policy_that(effect: &'static str) -> impl Strategy<Value = String> {
    (Just(effect), principal(), about()).prop_map(
        |(effect, principal, (action, resource, condition))| {
            format!("{effect} ({principal}, {action}, {resource}) {condition};")
        },
    )
}

/// Parsed, each under its number as id.
pub(crate) fn parsed(policies: &[String]) -> Vec<Policy> {
    let numbered = policies.iter().enumerate();
    let text = numbered.map(|(n, policy)| format!("@id(\"{n}\") {policy}\n"));
    parse::policies(&[file(text.collect())]).unwrap()
}

/// A file of that text.
pub(crate) fn file(text: String) -> PolicyFile {
    PolicyFile {
        name: "generated.cedar".to_owned(),
        shown: "generated.cedar".to_owned(),
        text,
    }
}
