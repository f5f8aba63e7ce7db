//! Tiers: what adding a rule can do, and what it cannot.

mod network;

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::select};
use valetkey_core::{
    Approver, Risk, ScopeSet, Tier, UserId,
    ports::{ApproverQuestion, Consent, Question},
};
use valetkey_support::contracts::policy::{ISSUER, credential, session};

use super::Rules;
use crate::generated::{file, parsed, policy, policy_that};

fn rules(policies: &[String]) -> Rules {
    Rules::new(parsed(policies), String::new(), &Arc::default()).unwrap()
}

/// The tier for alice's coder, who is in `dev`; `None` where a policy fails.
fn tier(rules: &Rules, scopes: &[&str], lifetime: u64) -> Option<Tier> {
    let credential = credential("api", scopes);
    let verdict = rules.decide(&Question {
        session: &session(ISSUER, "alice", &["dev"], "coder"),
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime,
    });
    verdict.ok().map(|verdict| verdict.tier)
}

fn scopes() -> impl Strategy<Value = &'static [&'static str]> {
    select(vec![&[][..], &["read"], &["write"], &["read", "write"]])
}

proptest! {
    /// A failing policy may fail a question that was answered, and that is a refusal.
    #[test]
    fn a_forbid_never_lessens_the_friction(
        policies in vec(policy(), 0..8),
        forbid in policy_that("forbid"),
        scopes in scopes(),
        lifetime in select(vec![1, 300, 301]),
    ) {
        let before = tier(&rules(&policies), scopes, lifetime);
        let after = tier(&rules(&[policies, vec![forbid]].concat()), scopes, lifetime);
        if let (Some(before), Some(after)) = (before, after) {
            prop_assert!(after >= before);
        }
    }

    #[test]
    fn a_permit_never_adds_friction(
        policies in vec(policy(), 0..8),
        permit in policy_that("permit"),
        scopes in scopes(),
        lifetime in select(vec![1, 300, 301]),
    ) {
        let before = tier(&rules(&policies), scopes, lifetime);
        let after = tier(&rules(&[policies, vec![permit]].concat()), scopes, lifetime);
        if let (Some(before), Some(after)) = (before, after) {
            prop_assert!(after <= before);
        }
    }

    #[test]
    fn several_scopes_have_the_most_friction_of_each(policies in vec(policy(), 0..8)) {
        let rules = rules(&policies);
        let each = [tier(&rules, &["read"], 300), tier(&rules, &["write"], 300)];
        if let [Some(read), Some(write)] = each {
            prop_assert_eq!(tier(&rules, &["read", "write"], 300), Some(read.max(write)));
        }
    }
}

const GRANTS: [(Tier, &str); 3] = [
    (Tier::Auto, "grant"),
    (Tier::Review, "grantAfterReview"),
    (Tier::Human, "grantAfterApproval"),
];

fn on(effect: &str, action: &str) -> String {
    format!("{effect} (principal, action == Valetkey::Action::\"{action}\", resource);")
}

#[test]
fn a_forbid_wins_at_its_tier_and_leaves_the_others() {
    let permits = GRANTS.map(|(_, action)| on("permit", action));
    for (tier_of, action) in GRANTS {
        let with = [&permits[..], &[on("forbid", action)]].concat();
        let least = GRANTS.iter().find(|(tier, _)| *tier != tier_of).unwrap().0;
        assert_eq!(tier(&rules(&with), &["read"], 60), Some(least), "{action}");
        let alone = [on("permit", action), on("forbid", action)];
        assert_eq!(tier(&rules(&alone), &["read"], 60), Some(Tier::Deny));
    }
}

#[test]
fn a_forbid_with_open_action_wins_at_every_tier() {
    let forbid = "forbid (principal, action, resource);".to_owned();
    for (tier_of, action) in GRANTS {
        let permit = on("permit", action);
        let one = rules(std::slice::from_ref(&permit));
        assert_eq!(tier(&one, &["read"], 60), Some(tier_of));
        assert_eq!(
            tier(&rules(&[permit, forbid.clone()]), &["read"], 60),
            Some(Tier::Deny)
        );
    }
}

#[test]
fn a_denial_names_the_forbids_of_what_is_denied_and_nobody_elses() {
    let text = "
        @id(\"all\") permit (principal, action == Valetkey::Action::\"grantAfterApproval\", resource)
            when { context.scope != \"write\" };
        @id(\"not-at-once\") forbid (principal, action == Valetkey::Action::\"grant\", resource)
            when { context.scope == \"read\" };
        @id(\"no-writing\") forbid (principal, action, resource is Valetkey::Credential)
            when { context.scope == \"write\" };";
    let rules = Rules::read(&[file(text.to_owned())], &Arc::default()).unwrap();
    let credential = credential("api", &["read", "write"]);
    let named = |scopes: &[&str]| {
        let verdict = rules.decide(&Question {
            session: &session(ISSUER, "alice", &["dev"], "coder"),
            credential: &credential,
            scopes: &ScopeSet::parse(scopes.iter().copied()).unwrap(),
            audience: &credential.audiences.first,
            lifetime: 60,
        });
        let verdict = verdict.unwrap();
        (verdict.tier, verdict.policies.join(" "))
    };
    assert_eq!(named(&["read"]), (Tier::Human, "all".to_owned()));
    assert_eq!(named(&["write"]), (Tier::Deny, "no-writing".to_owned()));
    assert_eq!(
        named(&["read", "write"]),
        (Tier::Deny, "no-writing".to_owned())
    );
}

/// Who may answer for a session of alice's, by rules that name everything that a rule may.
#[test]
fn whoever_answers_is_known_by_all_that_they_are() {
    let text = "
        @id(\"own\") permit (principal is Valetkey::User, action == Valetkey::Action::\"approve\", resource)
            when { context.requester == principal };
        @id(\"lead\") permit (principal in Valetkey::Group::\"leads\",
                action == Valetkey::Action::\"approve\", resource)
            unless { context.requester == principal };
        @id(\"look\") permit (principal == Valetkey::Reviewer::\"look\",
                action == Valetkey::Action::\"approve\", resource)
            when { context has risk && context.risk == \"low\" && context.agent == \"coder\" };
        @id(\"owned\") forbid (principal is Valetkey::User, action == Valetkey::Action::\"approve\", resource)
            when { resource has owner && resource.owner != principal };
        @id(\"labels\") forbid (principal, action == Valetkey::Action::\"approve\", resource)
            when { resource.labels.contains(\"sealed\") };
        @id(\"write\") forbid (principal is Valetkey::Reviewer, action == Valetkey::Action::\"approve\", resource)
            when { context.scope == \"write\" };";
    let rules = Rules::read(&[file(text.to_owned())], &Arc::default()).unwrap();
    let asks = session(ISSUER, "alice", &["dev"], "coder");
    let person = |subject, groups: &[&str]| Approver::Person {
        user: session(ISSUER, subject, groups, "coder").user,
    };
    let reviewer = |name: &str| Approver::Reviewer {
        name: name.to_owned(),
    };
    let owner = |subject: &str| UserId {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
    };
    let may = |by: &str| Consent::May(vec![by.to_owned()]);
    let not = |by: &str| Consent::MayNot(by.split_whitespace().map(str::to_owned).collect());
    let ask = |approver: &Approver, risk, scopes: &[&str], owner: Option<UserId>, label: &str| {
        let mut credential = credential("api", scopes);
        credential.owner = owner;
        credential.labels.insert(label.to_owned());
        let consent = rules.may_approve(&ApproverQuestion {
            approver,
            risk,
            requester: &asks.user.id,
            agent: &asks.agent,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime: 60,
        });
        consent.unwrap()
    };
    let (alice, lead, look) = (
        person("alice", &[]),
        person("boss", &["leads"]),
        reviewer("look"),
    );
    let read = &["read"][..];
    assert_eq!(ask(&alice, None, read, None, "x"), may("own"));
    assert_eq!(
        ask(&person("alice", &["leads"]), None, read, None, "x"),
        may("own")
    );
    assert_eq!(
        ask(&person("bob", &["dev"]), None, read, None, "x"),
        not("")
    );
    assert_eq!(ask(&lead, None, read, None, "x"), may("lead"));
    assert_eq!(
        ask(&lead, None, read, Some(owner("alice")), "x"),
        not("owned")
    );
    assert_eq!(
        ask(&alice, None, read, Some(owner("alice")), "x"),
        may("own")
    );
    assert_eq!(ask(&alice, None, read, None, "sealed"), not("labels"));
    assert_eq!(ask(&look, Some(Risk::Low), read, None, "x"), may("look"));
    assert_eq!(
        ask(&look, Some(Risk::Low), read, Some(owner("bob")), "x"),
        may("look")
    );
    assert_eq!(ask(&look, Some(Risk::Medium), read, None, "x"), not(""));
    assert_eq!(ask(&look, None, read, None, "x"), not(""));
    assert_eq!(
        ask(&reviewer("alice"), Some(Risk::Low), read, None, "x"),
        not("")
    );
    let both = &["read", "write"][..];
    assert_eq!(ask(&look, Some(Risk::Low), both, None, "x"), not("write"));
}
