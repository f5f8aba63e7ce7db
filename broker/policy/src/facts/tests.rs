//! Every kind of question fits the schema.

use std::{collections::HashSet, sync::LazyLock};

use cedar_policy::{Entities, EntityUid, Request, Schema};
use proptest::{collection::vec, option, prelude::*, sample::select};
use valetkey_core::{
    Approver, Risk, UserId,
    ports::{ApproverQuestion, PolicyError, Question},
};
use valetkey_support::contracts::policy::{credential, session};

use super::{Facts, Groups};
use crate::{SCHEMA, words::Words};

static PARSED: LazyLock<Schema> = LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).unwrap().0);

/// Whether entities and requests are what the schema says.
fn fits<'a>(facts: &Facts<'_>, actions: impl Iterator<Item = &'a EntityUid>) -> bool {
    let schema = &*PARSED;
    let entities = facts.entities.iter().cloned();
    let mut fits = Entities::from_entities(entities, Some(schema)).is_ok();
    for action in actions {
        for scope in facts.scopes() {
            let request = facts
                .request(action, facts.context(scope).unwrap())
                .unwrap();
            let checked = Request::new(
                request.principal().unwrap().clone(),
                request.action().unwrap().clone(),
                request.resource().unwrap().clone(),
                request.context().unwrap().clone(),
                Some(schema),
            );
            fits &= checked.is_ok();
        }
    }
    fits
}

fn user(subject: &str) -> UserId {
    UserId {
        issuer: "https://id.example.test".to_owned(),
        subject: subject.to_owned(),
    }
}

proptest! {
    /// What is built here fits the schema that policies are validated against, whatever an ID token or a
    /// configuration holds. Without that, strict validation would promise nothing.
    #[test]
    fn every_question_fits_the_schema(
        subject in "\\PC{0,40}",
        groups in vec("\\PC{0,20}", 0..5),
        agent in "[a-z][a-z0-9.-]{0,10}",
        scopes in vec("[a-z:*.]{1,10}", 0..4),
        lifetime in 1..=3600_u64,
        owner in option::of("\\PC{0,10}"),
        labels in vec("\\PC{0,10}", 0..3),
        reviewer in option::of("\\PC{0,10}"),
        requester in option::of("\\PC{0,10}"),
        risk in option::of(select(vec![Risk::Low, Risk::Medium, Risk::High, Risk::Critical])),
    ) {
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
        let session = session("https://id.example.test", &subject, &groups, &agent);
        let mut credential = credential("api", &scopes);
        credential.owner = owner.map(|owner| user(&owner));
        credential.labels = labels.into_iter().collect();
        let words = Words::new().unwrap();
        let named = Groups(groups.iter().map(|group| (*group).into()).collect());
        let question = Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime,
        };
        let facts = Facts::new(&words, &named, &question).unwrap();
        prop_assert_eq!(facts.scopes().count(), credential.scopes.iter().count().max(1));
        prop_assert!(fits(&facts, words.tiers.iter().map(|(_, action)| action)));

        let approver = match reviewer {
            Some(name) => Approver::Reviewer { name },
            None => Approver::Person { user: session.user.clone() },
        };
        let requester = requester.map_or_else(|| session.user.id.clone(), |other| user(&other));
        let facts = Facts::of_approver(&words, &named, &ApproverQuestion {
            approver: &approver,
            risk,
            requester: &requester,
            agent: &session.agent,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime,
        });
        prop_assert!(fits(&facts.unwrap(), std::iter::once(&words.approve)));
    }
}

#[test]
fn one_provider_cannot_name_anothers_user() {
    let session = session("https://id.example.test#a", "b", &[], "coder");
    let credential = credential("api", &["read"]);
    let question = Question {
        session: &session,
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    };
    let facts = Facts::new(&Words::new().unwrap(), &Groups(HashSet::new()), &question);
    assert!(matches!(facts, Err(PolicyError::Engine(_))));
}

/// People are in hundreds of groups, and each that became a fact would cost.
#[test]
fn a_group_that_no_policy_names_is_no_fact() {
    let many: Vec<_> = (0..500).map(|n| format!("team-{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).chain(["dev"]).collect();
    let session = session("https://id.example.test", "alice", &many, "coder");
    let credential = credential("api", &["read"]);
    let question = Question {
        session: &session,
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    };
    let named = Groups(HashSet::from(["dev".into(), "ops".into()]));
    let facts = Facts::new(&Words::new().unwrap(), &named, &question).unwrap();
    // The session, its user, its agent and one group.
    assert_eq!(facts.principals.len(), 4);
}
