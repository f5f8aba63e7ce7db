//! The requests that some policies could tell apart.
//!
//! For everything that a request has, the values that the policies name, one that none of them names, and
//! what the configuration has. Two values between which no policy distinguishes count as one.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use valetkey_core::{
    AgentName, Audience, Credential, CredentialName, Credentials, LIFETIME_CEILING, ProfileName,
    Risk, ScopeSet, SessionId, UserId,
};

use super::{
    literals::{Literals, typed},
    network::{self, Place},
};
use crate::slices::{named_principal, named_resource};

/// A name that no policy means.
const ANOTHER: &str = "another";
/// An issuer that no policy means.
const ANOTHER_ISSUER: &str = "https://another.invalid";
/// A lifetime where no policy speaks of lifetimes, in seconds.
const SOME_TIME: u64 = 600;

/// Values, at least one of each kind where nothing is said.
#[derive(Debug)]
pub(super) struct Universe {
    pub(super) users: Vec<UserId>,
    pub(super) groups: Vec<Vec<String>>,
    pub(super) agents: Vec<AgentName>,
    /// `None` for a session without a sandbox.
    pub(super) profiles: Vec<Option<ProfileName>>,
    /// `None` for one that no policy names.
    pub(super) sessions: Vec<Option<SessionId>>,
    pub(super) credentials: Vec<Shape>,
    pub(super) scopes: Vec<ScopeSet>,
    pub(super) audiences: Vec<Audience>,
    pub(super) lifetimes: Vec<u64>,
    pub(super) places: Vec<Place>,
    pub(super) methods: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) reviewers: Vec<String>,
    pub(super) risks: Vec<Option<Risk>>,
}

/// A credential, as far as policies see one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) name: CredentialName,
    pub(super) labels: BTreeSet<String>,
    pub(super) owner: Owner,
}

/// Whose a credential is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Nobody,
    WhoeverAsks,
    Known(UserId),
}

impl Universe {
    /// The requests that `policy` can apply to, as far as its head says, with what `literals` tell apart.
    pub(super) fn new(policy: &Policy, literals: &Literals, configured: &Credentials) -> Self {
        let head = named_principal(policy).map(typed);
        let head = |kind: &str| {
            let named = head.as_ref().filter(|(of, _)| of == kind);
            named.map(|(_, id)| id.clone())
        };
        Self {
            users: users(literals, head("User")),
            groups: groups(literals, head("Group")),
            agents: agents(literals, head("Agent")),
            profiles: network::profiles(literals),
            sessions: match head("Session") {
                Some(id) => vec![SessionId::parse(&id)],
                None => {
                    let named = literals.named("Session").map(SessionId::parse);
                    named.filter(Option::is_some).chain([None]).collect()
                }
            },
            credentials: match named_resource(policy).map(typed) {
                Some((kind, _)) if kind != "Credential" => Vec::new(),
                head => shapes(literals, head.map(|(_, id)| id), configured),
            },
            scopes: scopes(literals, configured),
            audiences: audiences(literals, configured),
            lifetimes: lifetimes(literals),
            places: network::places(policy, literals),
            methods: network::methods(literals),
            paths: network::paths(literals),
            reviewers: match head("Reviewer") {
                Some(name) => vec![name],
                None => names(literals.named("Reviewer")),
            },
            risks: if literals.speak_of("risk") {
                let all = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
                [None].into_iter().chain(all.map(Some)).collect()
            } else {
                vec![None]
            },
        }
    }
}

fn users(literals: &Literals, head: Option<String>) -> Vec<UserId> {
    if let Some(user) = head {
        return person(&user).into_iter().collect();
    }
    let named: Vec<_> = literals.named("User").filter_map(person).collect();
    let issuers = named.iter().map(|user| user.issuer.as_str());
    let mut users = named.clone();
    for issuer in literals.values("issuer", issuers.chain([ANOTHER_ISSUER]), ANOTHER) {
        for subject in literals.values("subject", [], ANOTHER) {
            let issuer = issuer.clone();
            users.push(UserId { issuer, subject });
        }
    }
    users
}

/// Nobody's, each one, each two with the one that the head names, and all.
fn groups(literals: &Literals, head: Option<String>) -> Vec<Vec<String>> {
    let named: Vec<_> = literals.named("Group").map(str::to_owned).collect();
    let always: Vec<_> = head.into_iter().collect();
    let mut sets = BTreeSet::from([always.clone()]);
    for group in &named {
        sets.insert([&always[..], std::slice::from_ref(group)].concat());
    }
    sets.insert([always, named].concat());
    sets.into_iter().collect()
}

fn agents(literals: &Literals, head: Option<String>) -> Vec<AgentName> {
    let agents = match head {
        Some(agent) => vec![agent],
        None => {
            let named = literals.named("Agent").map(str::to_owned);
            named.chain(literals.values("agent", [], ANOTHER)).collect()
        }
    };
    agents
        .iter()
        .filter_map(|agent| AgentName::parse(agent).ok())
        .collect()
}

/// Those that are configured, and those that are only named, with every label that policies name.
fn shapes(literals: &Literals, head: Option<String>, configured: &Credentials) -> Vec<Shape> {
    let wanted = |name: &str| head.as_deref().is_none_or(|head| head == name);
    let known = configured.iter().filter(|one| wanted(one.name.as_str()));
    let mut shapes: BTreeSet<_> = known.map(|one| shape(literals, one)).collect();
    let made_up = match &head {
        Some(name) => vec![name.clone()],
        None => names(literals.named("Credential")),
    };
    let labels = literals.values("labels", [], "");
    let owners = if literals.speak_of("owner") {
        let somebody = UserId {
            issuer: ANOTHER_ISSUER.to_owned(),
            subject: "somebody-else".to_owned(),
        };
        vec![Owner::Nobody, Owner::WhoeverAsks, Owner::Known(somebody)]
    } else {
        vec![Owner::Nobody]
    };
    for name in made_up {
        let Ok(name) = CredentialName::parse(&name) else {
            continue;
        };
        if configured.find(name.as_str()).is_some() {
            continue;
        }
        for label in &labels {
            let label = (!label.is_empty()).then(|| label.clone());
            shapes.extend(owners.iter().map(|owner| Shape {
                name: name.clone(),
                labels: label.iter().cloned().collect(),
                owner: owner.clone(),
            }));
        }
    }
    shapes.into_iter().collect()
}

/// What policies see of a credential. Two that differ in nothing else are one.
fn shape(literals: &Literals, credential: &Credential) -> Shape {
    let name = credential.name.as_str();
    let named = literals.named("Credential").any(|known| known == name);
    let another = || CredentialName::parse(ANOTHER).ok();
    let owner = credential.owner.clone();
    let owner = owner.filter(|_| literals.speak_of("owner"));
    Shape {
        name: (!named)
            .then(another)
            .flatten()
            .unwrap_or_else(|| credential.name.clone()),
        labels: if literals.speak_of("labels") {
            credential.labels.clone()
        } else {
            BTreeSet::new()
        },
        owner: owner.map_or(Owner::Nobody, Owner::Known),
    }
}

fn scopes(literals: &Literals, configured: &Credentials) -> Vec<ScopeSet> {
    let known = configured
        .iter()
        .flat_map(|credential| credential.scopes.iter());
    let scopes = literals.values("scope", known.chain([""]), ANOTHER);
    scopes
        .iter()
        .filter_map(|scope| ScopeSet::parse([scope.as_str()]).ok())
        .collect()
}

fn audiences(literals: &Literals, configured: &Credentials) -> Vec<Audience> {
    let known = configured.iter();
    let known = known.flat_map(|credential| credential.audiences.iter().map(Audience::as_str));
    let audiences = literals.values("audience", known.chain([ANOTHER_ISSUER]), ANOTHER);
    audiences
        .iter()
        .filter_map(|audience| Audience::parse(audience).ok())
        .collect()
}

/// Each number that is named, a second less and a second more.
fn lifetimes(literals: &Literals) -> Vec<u64> {
    if !literals.speak_of("lifetimeSeconds") {
        return vec![SOME_TIME];
    }
    let around = literals.around("lifetimeSeconds");
    let all: BTreeSet<_> = around.chain([1, LIFETIME_CEILING]).collect();
    all.range(1..=LIFETIME_CEILING).copied().collect()
}

/// Those that are named, and one that is not.
fn names<'a>(named: impl Iterator<Item = &'a str>) -> Vec<String> {
    named.chain([ANOTHER]).map(str::to_owned).collect()
}

fn person(id: &str) -> Option<UserId> {
    let (issuer, subject) = id.split_once('#')?;
    Some(UserId {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    })
}
