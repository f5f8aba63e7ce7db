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

fn action() -> impl Strategy<Value = &'static str> {
    select(vec![
        "action",
        "action == Valetkey::Action::\"grant\"",
        "action == Valetkey::Action::\"grantAfterApproval\"",
        "action in [Valetkey::Action::\"grant\", Valetkey::Action::\"grantAfterReview\"]",
    ])
}

fn resource() -> impl Strategy<Value = &'static str> {
    select(vec![
        "resource",
        "resource is Valetkey::Credential",
        "resource == Valetkey::Credential::\"api\"",
        "resource == Valetkey::Credential::\"db\"",
        "resource in Valetkey::Credential::\"api\"",
        "resource is Valetkey::Credential in Valetkey::Credential::\"db\"",
    ])
}

fn condition() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "when { context.scope == \"read\" }",
        "when { context.scope like \"w*\" }",
        "unless { context.lifetimeSeconds > 300 }",
        "when { principal is Valetkey::Session && principal.agent == \"coder\" }",
        "unless { resource has owner }",
        "when { resource.labels.contains(\"production\") || resource.source == \"signed\" }",
        "when { context.audience == \"https://api.example.test\" }",
        "when { principal in Valetkey::Group::\"ops\" }",
        "unless { principal in [Valetkey::Group::\"dev\", Valetkey::Group::\"ops\"] }",
        // Overflows, so that errors are compared too.
        "when { context.lifetimeSeconds * 9223372036854775807 > 0 }",
    ])
}

/// A permit or a forbid.
pub(crate) fn policy() -> impl Strategy<Value = String> {
    select(vec!["permit", "forbid"]).prop_flat_map(policy_that)
}

/// One of that effect.
pub(crate) fn policy_that(effect: &'static str) -> impl Strategy<Value = String> {
    (Just(effect), principal(), action(), resource(), condition()).prop_map(
        |(effect, principal, action, resource, condition)| {
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
