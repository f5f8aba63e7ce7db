//! Slices never change a decision, and keep its cost from growing.

use cedar_policy::{Authorizer, Decision, PolicySet};
use proptest::{collection::vec, prelude::*, sample::select};
use valetkey_core::ports::Question;
use valetkey_support::contracts::policy::{credential, session};

use super::{Slices, Spoken};
use crate::{
    facts::{Facts, Groups, Words},
    files::PolicyFile,
    parse,
};

const SESSION: &str = "0198c0de00007000800000000000000f";

const EVERY_GROUP: &str = "permit (principal in Valetkey::Group::\"dev\", action, resource)
    when { principal in Valetkey::Group::\"ops\" };";

/// Heads that match, heads that do not, and heads that name nothing.
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
        "when { principal.agent == \"coder\" }",
        "when { principal.user.subject == \"alice\" && resource.source == \"signed\" }",
        "when { context.audience == \"https://api.example.test\" }",
        "when { principal in Valetkey::Group::\"ops\" }",
        "unless { principal.user in [Valetkey::Group::\"dev\"] }",
        // Overflows, so that errors are compared too.
        "when { context.lifetimeSeconds * 9223372036854775807 > 0 }",
    ])
}

fn policy() -> impl Strategy<Value = String> {
    let effect = select(vec!["permit", "forbid"]);
    (effect, principal(), resource(), condition()).prop_map(
        |(effect, principal, resource, condition)| {
            format!("{effect} ({principal}, action, {resource}) {condition};")
        },
    )
}

proptest! {
    #[test]
    fn a_slice_decides_as_the_whole_set_does(
        policies in vec(policy(), 0..12),
        name in select(vec!["api", "db", "web"]),
        groups in select(vec![&[][..], &["dev"], &["ops", "dev"]]),
        agent in select(vec!["coder", "tester", "other"]),
        subject in select(vec!["alice", "carol"]),
        scopes in select(vec![&[][..], &["read"], &["write"], &["read", "write"]]),
        lifetime in select(vec![1, 300, 301]),
    ) {
        let session = session("https://id.example.test", subject, groups, agent);
        let credential = credential(name, scopes);
        let question = Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime,
        };
        let words = Words::new().unwrap();
        let text: String = policies
            .iter()
            .enumerate()
            .map(|(n, policy)| format!("@id(\"{n}\") {policy}\n"))
            .collect();
        let policies = parse::policies(&[file(text)]).unwrap();
        let facts = Facts::new(&words, &Groups::named_by(&words, &policies), &question).unwrap();
        let every_group = parse::policies(&[file(EVERY_GROUP.to_owned())]).unwrap();
        let every_group = Groups::named_by(&words, &every_group);
        let all_facts = Facts::new(&words, &every_group, &question).unwrap();
        let whole = PolicySet::from_policies(policies.iter().cloned()).unwrap();
        let slices = Slices::new(policies).unwrap();
        let authorizer = Authorizer::new();
        for request in facts.requests() {
            let request = request.unwrap();
            let response = authorizer.is_authorized(&request, &whole, &all_facts.entities);
            let reasons: std::collections::BTreeSet<_> =
                response.diagnostics().reason().map(ToString::to_string).collect();
            let expected = match (response.diagnostics().errors().next(), response.decision()) {
                (Some(_), _) => None,
                (None, Decision::Allow) => Some(Spoken::Permitted(reasons)),
                (None, Decision::Deny) if reasons.is_empty() => Some(Spoken::Nothing),
                (None, Decision::Deny) => Some(Spoken::Forbidden(reasons)),
            };
            let said = slices.relevant(&facts).ask(&authorizer, &request, &facts).ok();
            prop_assert_eq!(said, expected);
        }
    }
}

#[test]
fn policies_about_others_are_not_asked() {
    let mut text = "permit (principal in Valetkey::Group::\"dev\", action, resource);\n".to_owned();
    for n in 0..1000 {
        text += &format!(
            "permit (principal, action, resource == Valetkey::Credential::\"other-{n}\");
permit (principal in Valetkey::Group::\"team-{n}\", action, resource);\n"
        );
    }
    text += "permit (principal, action, resource == Valetkey::Credential::\"api\");";
    let words = Words::new().unwrap();
    let policies = parse::policies(&[file(text)]).unwrap();
    let groups = Groups::named_by(&words, &policies);
    let slices = Slices::new(policies).unwrap();
    let session = session("https://id.example.test", "alice", &["dev"], "coder");
    let credential = credential("api", &["read"]);
    let question = Question {
        session: &session,
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    };
    let facts = Facts::new(&words, &groups, &question).unwrap();
    let asked: usize = slices
        .relevant(&facts)
        .0
        .iter()
        .map(|pile| pile.num_of_policies())
        .sum();
    assert_eq!(asked, 2, "of 2002");
}

fn file(text: String) -> PolicyFile {
    PolicyFile {
        name: "generated.cedar".to_owned(),
        shown: "generated.cedar".to_owned(),
        text,
    }
}
