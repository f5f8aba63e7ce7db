//! Slices never change a decision, and keep its cost from growing.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision, PolicySet};
use proptest::{collection::vec, prelude::*, sample::select};
use valetkey_core::{Credential, ProfileName, network::OriginPattern, ports::Question};
use valetkey_support::contracts::policy::{credential, network, session};

use super::{Slices, Spoken};
use crate::{
    facts::{Facts, Named},
    generated::{file, parsed, policy},
    parse,
    words::{Asked, Words},
};

/// Everything that a generated policy names, so that nothing is left out of the facts.
const EVERYTHING: &str =
    "permit (principal in Valetkey::Group::\"dev\", action, resource is Valetkey::Host)
    when { principal in Valetkey::Group::\"ops\" && resource in [Valetkey::Host::\"test\",
        Valetkey::Host::\"example.test\", Valetkey::Host::\"a.example.test\"] };";

/// What the slices say to a question, and what all policies at once do.
fn same(policies: &[String], question: &Question<'_>) -> Result<(), TestCaseError> {
    let words = Words::new().unwrap();
    let policies = parsed(policies);
    let injected = [OriginPattern::parse("*.example.test").unwrap()];
    let named = Named::by(&words, &policies);
    let facts = Facts::new(&words, &named, &injected, question).unwrap();
    let everything = parse::policies(&[file(EVERYTHING.to_owned())]).unwrap();
    let everything = Named::by(&words, &everything);
    let all_facts = Facts::new(&words, &everything, &injected, question).unwrap();
    let whole = PolicySet::from_policies(policies.iter().cloned()).unwrap();
    let slices = Slices::new(&words, &policies).unwrap();
    let authorizer = Authorizer::new();
    let tiers = words.tiers(facts.asked).iter();
    for (action, scope) in
        tiers.flat_map(|(_, action)| facts.scopes().map(move |scope| (action, scope)))
    {
        let request = facts
            .request(action, facts.context(scope).unwrap())
            .unwrap();
        let response = authorizer.is_authorized(&request, &whole, &all_facts.entities);
        let reasons: BTreeSet<_> = response
            .diagnostics()
            .reason()
            .map(ToString::to_string)
            .collect();
        let expected = match (response.diagnostics().errors().next(), response.decision()) {
            (Some(_), _) => None,
            (None, Decision::Allow) => Some(Spoken::Permitted(reasons)),
            (None, Decision::Deny) if reasons.is_empty() => Some(Spoken::Nothing),
            (None, Decision::Deny) => Some(Spoken::Forbidden(reasons)),
        };
        let relevant = slices.relevant(action, &facts);
        prop_assert_eq!(relevant.ask(&authorizer, &request, &facts).ok(), expected);
    }
    Ok(())
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
        same(&policies, &Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime,
        })?;
    }

    #[test]
    fn so_it_does_in_the_network(
        policies in vec(policy(), 0..12),
        (scope, path) in select(vec![("connect", ""), ("GET", "/x"), ("POST", "/")]),
        host in select(vec!["a.example.test", "b.a.example.test", "example.test", "badexample.test",
            "other.test", "test", "a.example.test.net", "10.0.0.1", "[::1]"]),
        port in select(vec!["", ":8443"]),
        groups in select(vec![&[][..], &["dev"], &["ops", "dev"]]),
        profile in select(vec![None, Some("open"), Some("read-only")]),
        lifetime in select(vec![1, 301]),
    ) {
        let mut session = session("https://id.example.test", "alice", groups, "coder");
        session.profile = profile.map(|name| ProfileName::parse(name).unwrap());
        let network = network(&[scope], &format!("https://{host}{port}{path}"));
        same(&policies, &Question {
            session: &session,
            credential: &network,
            scopes: &network.scopes,
            audience: &network.audiences.first,
            lifetime,
        })?;
    }
}

#[test]
fn an_action_stands_for_all_that_are_in_it() {
    let words = Words::new().unwrap();
    let named = |head: &str| {
        let text = format!("forbid (principal, {head});");
        let policies = parse::policies(&[file(text)]).unwrap();
        let named = super::actions(&words, &policies[0]);
        let names: Vec<_> = named
            .iter()
            .map(|one| one.id().unescaped().to_owned())
            .collect();
        names.join(" ")
    };
    let action = |id: &str| format!("Valetkey::Action::\"{id}\"");
    let reach = "connect connectAfterApproval connectAfterReview";
    let send = "request requestAfterApproval requestAfterReview";
    let grant = "grant grantAfterApproval grantAfterReview";
    for (head, expected) in [
        (
            "action".to_owned(),
            format!("approve {reach} {grant} {send}"),
        ),
        (
            format!("action == {}", action("connect")),
            "connect".to_owned(),
        ),
        (
            format!("action in {}", action("connect")),
            "connect".to_owned(),
        ),
        (format!("action in {}", action("reach")), reach.to_owned()),
        (format!("action in [{}]", action("send")), send.to_owned()),
        (
            format!(
                "action in [{}, {}, {}]",
                action("send"),
                action("grant"),
                action("request")
            ),
            format!("grant {send}"),
        ),
    ] {
        assert_eq!(named(&format!("{head}, resource")), expected, "{head}");
    }
}

#[test]
fn policies_about_others_are_not_asked() {
    let mut text = "permit (principal in Valetkey::Group::\"dev\", action, resource);\n".to_owned();
    for n in 0..300 {
        text += &format!(
            "permit (principal, action, resource == Valetkey::Credential::\"other-{n}\");
permit (principal in Valetkey::Group::\"team-{n}\", action, resource);\n"
        );
    }
    for n in 0..300 {
        text += &format!(
            "permit (principal, action == Valetkey::Action::\"grantAfterApproval\", resource)
    when {{ context.scope == \"{n}\" }};\n"
        );
    }
    text += "permit (principal, action, resource == Valetkey::Credential::\"api\");";
    let words = Words::new().unwrap();
    let policies = parse::policies(&[file(text)]).unwrap();
    let named = Named::by(&words, &policies);
    let slices = Slices::new(&words, &policies).unwrap();
    let session = session("https://id.example.test", "alice", &["dev"], "coder");
    let credential = credential("api", &["read"]);
    let question = Question {
        session: &session,
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    };
    let facts = Facts::new(&words, &named, &[], &question).unwrap();
    let tiers = words.tiers(Asked::Token).iter();
    let asked = tiers.map(|(_, action)| {
        let relevant = slices.relevant(action, &facts);
        assert_eq!(relevant.policies().count(), relevant.count());
        relevant.count()
    });
    assert_eq!(asked.collect::<Vec<_>>(), [2, 2, 302], "of 902");
}

/// Ten policies or a thousand, of other teams and other credentials: a request meets the same few.
#[test]
fn a_question_costs_the_same_however_many_policies_there_are() {
    let asked = |others: usize| {
        let mut text: String = crate::BASELINE.iter().map(|(_, text)| *text).collect();
        for n in 0..others {
            text += &match n % 5 {
                0 => format!(
                    "permit (principal in Valetkey::Group::\"team-{n}\", action, resource);\n"
                ),
                1 => format!(
                    "forbid (principal, action, resource == Valetkey::Credential::\"other-{n}\");\n"
                ),
                2 => format!(
                    "forbid (principal, action, resource in Valetkey::Host::\"{n}.net\");\n"
                ),
                3 => format!(
                    "permit (principal, action in Valetkey::Action::\"send\",
                        resource == Valetkey::Host::\"x{n}.example.com\");\n"
                ),
                _ => format!(
                    "permit (principal == Valetkey::Reviewer::\"reviewer-{n}\", action, resource);\n"
                ),
            };
        }
        let words = Words::new().unwrap();
        let policies = parse::policies(&[file(text)]).unwrap();
        let slices = Slices::new(&words, &policies).unwrap();
        let session = session("https://id.example.test", "alice", &["dev", "ops"], "coder");
        let named = Named::by(&words, &policies);
        let asked = |credential: &Credential| {
            let question = Question {
                session: &session,
                credential,
                scopes: &credential.scopes,
                audience: &credential.audiences.first,
                lifetime: 600,
            };
            let facts = Facts::new(&words, &named, &[], &question).unwrap();
            let tiers = words.tiers(facts.asked).iter();
            let relevant = tiers.map(|(_, action)| slices.relevant(action, &facts).count());
            relevant.collect::<Vec<_>>()
        };
        [
            asked(&credential("api", &["read"])),
            asked(&network(&["connect"], "https://a.b.example.com")),
            asked(&network(&["GET"], "https://a.b.example.com/")),
        ]
    };
    // Of the baseline: the permit for the tier and the two forbids about tokens. Two permits to reach at
    // once and one to ask for it, and the forbid of mail. The permit to send and the two forbids.
    assert_eq!(asked(10), [vec![3, 3, 3], vec![3, 1, 2], vec![3, 2, 2]]);
    assert_eq!(asked(1000), asked(10));
}
