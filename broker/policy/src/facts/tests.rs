//! Every kind of question fits the schema.

use std::sync::LazyLock;

use cedar_policy::{Entities, EntityUid, Request, Schema};
use proptest::{collection::vec, option, prelude::*, sample::select};
use valetkey_core::{
    Approver, Audience, ProfileName, Risk, UserId,
    network::{OriginPattern, Target},
    ports::{ApproverQuestion, PolicyError, Question},
};
use valetkey_support::contracts::policy::{credential, network, session};

use super::{Facts, Named};
use crate::{
    SCHEMA,
    words::{Asked, Words},
};

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

fn named(groups: &[&str], hosts: &[&str]) -> Named {
    let set = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Named {
        groups: set(groups),
        hosts: set(hosts),
    }
}

proptest! {
    /// So it is with what is asked of the network, whatever an agent asks.
    #[test]
    fn every_question_about_the_network_fits_the_schema(
        scope in select(vec!["connect", "GET", "FROB", "get", "x:y"]),
        host in select(vec!["a.b.example.test", "A.Example.Test.", "[2001:DB8::1]", "10.0.0.1", "x y"]),
        port in option::of(0..=70_000_u32),
        path in option::of("/[!-~]{0,20}"),
        profile in option::of("[a-z][a-z-]{0,10}[a-z]"),
        injected in any::<bool>(),
        lifetime in 1..=3600_u64,
    ) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let url = format!("https://{host}{port}{}", path.unwrap_or_default());
        prop_assume!(Audience::parse(&url).is_ok());
        let mut session = session("https://id.example.test", "alice", &["dev"], "coder");
        session.profile = profile.map(|name| ProfileName::parse(&name).unwrap());
        let network = network(&[scope], &url);
        let question = Question {
            session: &session,
            credential: &network,
            scopes: &network.scopes,
            audience: &network.audiences.first,
            lifetime,
        };
        let injected: Vec<_> = injected
            .then(|| OriginPattern::parse("*.example.test").unwrap())
            .into_iter()
            .collect();
        let words = Words::new().unwrap();
        let named = named(&["dev"], &["example.test", "b.example.test", "10.0.0.1"]);
        let facts = Facts::new(&words, &named, &injected, &question).unwrap();
        let read = Target::read(scope, &network.audiences.first);
        prop_assert_eq!(facts.asked, match read {
            None => Asked::Nothing,
            Some(Target::Connect(_)) => Asked::Connect,
            Some(Target::Request { .. }) => Asked::Request,
        });
        prop_assert!(fits(&facts, words.tiers(facts.asked).iter().map(|(_, action)| action)));
    }

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
        let named = named(&groups, &[]);
        let question = Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime,
        };
        let facts = Facts::new(&words, &named, &[], &question).unwrap();
        prop_assert_eq!(facts.scopes().count(), credential.scopes.iter().count().max(1));
        prop_assert!(fits(&facts, words.tiers(Asked::Token).iter().map(|(_, action)| action)));

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
    let facts = Facts::new(&Words::new().unwrap(), &Named::default(), &[], &question);
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
    let named = named(&["dev", "ops"], &[]);
    let facts = Facts::new(&Words::new().unwrap(), &named, &[], &question).unwrap();
    // The session, its user, its agent and one group.
    assert_eq!(facts.principals.len(), 4);
}

/// A host is in its domains by their labels, an address in none, and of domains those are facts that some
/// policy names.
#[test]
fn a_host_is_in_the_domains_that_policies_name() {
    let words = Words::new().unwrap();
    let named = named(&[], &["example.com", "com", "1", "0.0.1", "other.org"]);
    let session = session("https://id.example.test", "alice", &[], "coder");
    for (url, resources) in [
        (
            "https://a.b.Example.com.",
            "a.b.example.com example.com com",
        ),
        ("https://example.com:8443", "example.com com"),
        ("https://badexample.com", "badexample.com com"),
        ("https://example.com.evil.net", "example.com.evil.net"),
        ("https://10.0.0.1", "10.0.0.1"),
        ("https://[2001:DB8:0::1]", "2001:db8::1"),
        ("https://localhost", "localhost"),
    ] {
        let network = network(&["connect"], url);
        let question = Question {
            session: &session,
            credential: &network,
            scopes: &network.scopes,
            audience: &network.audiences.first,
            lifetime: 600,
        };
        let facts = Facts::new(&words, &named, &[], &question).unwrap();
        let ids: Vec<_> = facts
            .resources
            .iter()
            .map(|one| one.id().unescaped())
            .collect();
        assert_eq!(ids.join(" "), resources, "{url}");
    }
}
