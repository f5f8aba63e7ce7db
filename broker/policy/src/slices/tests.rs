//! Slices never change a decision, and keep its cost from growing.

use cedar_policy::{Authorizer, Decision, PolicySet};
use proptest::{collection::vec, prelude::*, sample::select};
use valetkey_core::ports::Question;
use valetkey_support::contracts::policy::{credential, session};

use super::{Slices, Spoken};
use crate::{
    facts::{Facts, Groups},
    generated::{file, parsed, policy},
    parse,
    words::Words,
};

const EVERY_GROUP: &str = "permit (principal in Valetkey::Group::\"dev\", action, resource)
    when { principal in Valetkey::Group::\"ops\" };";

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
        let policies = parsed(&policies);
        let facts = Facts::new(&words, &Groups::named_by(&words, &policies), &question).unwrap();
        let every_group = parse::policies(&[file(EVERY_GROUP.to_owned())]).unwrap();
        let every_group = Groups::named_by(&words, &every_group);
        let all_facts = Facts::new(&words, &every_group, &question).unwrap();
        let whole = PolicySet::from_policies(policies.iter().cloned()).unwrap();
        let slices = Slices::new(&words, &policies).unwrap();
        let authorizer = Authorizer::new();
        for (action, scope) in words.tiers.iter().flat_map(|(_, action)| {
            facts.scopes().map(move |scope| (action, scope))
        }) {
            let request = facts.request(action, facts.context(scope).unwrap()).unwrap();
            let response = authorizer.is_authorized(&request, &whole, &all_facts.entities);
            let reasons: std::collections::BTreeSet<_> =
                response.diagnostics().reason().map(ToString::to_string).collect();
            let expected = match (response.diagnostics().errors().next(), response.decision()) {
                (Some(_), _) => None,
                (None, Decision::Allow) => Some(Spoken::Permitted(reasons)),
                (None, Decision::Deny) if reasons.is_empty() => Some(Spoken::Nothing),
                (None, Decision::Deny) => Some(Spoken::Forbidden(reasons)),
            };
            let relevant = slices.relevant(action, &facts);
            prop_assert_eq!(relevant.ask(&authorizer, &request, &facts).ok(), expected);
        }
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
    let groups = Groups::named_by(&words, &policies);
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
    let facts = Facts::new(&words, &groups, &question).unwrap();
    let asked = words.tiers.each_ref().map(|(_, action)| {
        let relevant = slices.relevant(action, &facts);
        assert_eq!(relevant.policies().count(), relevant.count());
        relevant.count()
    });
    assert_eq!(asked, [2, 2, 302], "of 902");
}

/// Ten policies or a thousand, of other teams and other credentials: a request meets the same few.
#[test]
fn a_question_costs_the_same_however_many_policies_there_are() {
    let asked = |others: usize| {
        let mut text: String = crate::BASELINE.iter().map(|(_, text)| *text).collect();
        for n in 0..others {
            text += &match n % 3 {
                0 => format!(
                    "permit (principal in Valetkey::Group::\"team-{n}\", action, resource);\n"
                ),
                1 => format!(
                    "forbid (principal, action, resource == Valetkey::Credential::\"other-{n}\");\n"
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
        let credential = credential("api", &["read"]);
        let question = Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime: 600,
        };
        let groups = Groups::named_by(&words, &policies);
        let facts = Facts::new(&words, &groups, &question).unwrap();
        let relevant = |action| slices.relevant(action, &facts).count();
        words.actions().map(relevant).collect::<Vec<_>>()
    };
    // The permit for the tier and the two forbids of the baseline; the last is `approve`, which sessions
    // do not ask for.
    assert_eq!(asked(10), [3, 3, 3, 4]);
    assert_eq!(asked(1000), asked(10));
}
