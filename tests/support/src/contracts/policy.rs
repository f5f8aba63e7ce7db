//! Contract of the policy port, one function per promise.

#![expect(
    clippy::expect_used,
    reason = "a suite panics where a promise is broken"
)]

use std::collections::BTreeSet;

use valetkey_core::{
    AccountName, AgentName, Algorithm, Approver, Audience, Audiences, Boot, Credential,
    CredentialName, Moment, Pins, ScopeSet, Session, SessionId, SessionState, SourceKind, Tier,
    User, UserId,
    ports::{ApproverQuestion, Consent, Policy, PolicyError, Question, Verdict},
};

/// A credential and a scope of it.
pub type Pair = (&'static str, &'static str);

/// What is written where the engine reads its policies.
#[derive(Clone, Copy, Debug)]
pub enum Written {
    /// Whoever asks.
    Rules(Rules),
    /// Policies of which one fails whenever it is evaluated.
    Failing,
    /// Something that cannot be loaded.
    Broken,
}

/// What is permitted and forbidden, one policy for each entry.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Permitted, each with this friction.
    pub permit: &'static [(Tier, Pair)],
    /// Forbidden, with whatever friction.
    pub forbid: &'static [Pair],
    /// Who may approve of which credential.
    pub approve: &'static [(Who, &'static str)],
    /// What of the network is permitted, each with this friction, and what is forbidden
    /// ([`Tier::Deny`]).
    pub network: &'static [(Tier, Leave)],
}

/// Leave to use the network: `connect` or a method, and the origin or the URL that it is for.
pub type Leave = (&'static str, &'static str);

/// Somebody who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The person with this subject, of the issuer [`ISSUER`].
    Person(&'static str),
    /// The reviewer of this name.
    Reviewer(&'static str),
}

/// The issuer of everybody here.
pub const ISSUER: &str = "https://id.example.test";

/// A policy engine together with the place that it reads from.
pub trait Bench {
    /// A fresh engine with these policies in force.
    fn new(written: &Written) -> Self;

    /// The engine.
    fn policy(&self) -> &dyn Policy;

    /// Replaces what is written. It comes into force at the next reload.
    fn write(&self, written: &Written);
}

const READ: Pair = ("api", "read");
const WRITE: Pair = ("api", "write");
const DELETE: Pair = ("api", "delete");
const ALICE: Who = Who::Person("alice");
const BOSS: Who = Who::Person("boss");
const LOOK: Who = Who::Reviewer("look");

const PERMIT_READ: Written = permit(&[(Tier::Auto, READ)]);
const PERMIT_BOTH: Written = permit(&[(Tier::Auto, READ), (Tier::Auto, WRITE)]);
const NOTHING: Written = permit(&[]);
const TIERS: &[(Tier, Pair)] = &[
    (Tier::Auto, READ),
    (Tier::Review, WRITE),
    (Tier::Human, DELETE),
];

const REACH: Leave = ("connect", "https://a.example.test");
const LOOK_AT: Leave = ("GET", "https://a.example.test/x");
const SEND: Leave = ("POST", "https://a.example.test/x");

const fn permit(permit: &'static [(Tier, Pair)]) -> Written {
    Written::Rules(Rules {
        permit,
        forbid: &[],
        approve: &[],
        network: &[],
    })
}

const fn leave(network: &'static [(Tier, Leave)]) -> Written {
    Written::Rules(Rules {
        permit: &[],
        forbid: &[],
        approve: &[],
        network,
    })
}

/// All promises.
pub fn suite<B: Bench>() {
    denies_by_default::<B>();
    a_permit_is_for_its_credential_alone::<B>();
    every_scope_must_be_permitted::<B>();
    the_most_friction_of_all_scopes_counts::<B>();
    the_least_friction_of_one_scope_counts::<B>();
    a_forbid_wins::<B>();
    nobody_approves_by_default::<B>();
    an_approver_is_one_for_their_credential_alone::<B>();
    the_network_is_closed_by_default::<B>();
    leave_is_for_its_target_alone::<B>();
    a_forbid_wins_in_the_network::<B>();
    what_is_no_target_is_denied::<B>();
    a_failing_policy_is_an_error::<B>();
    a_reload_takes_effect::<B>();
    a_bad_reload_changes_nothing::<B>();
}

/// Where no policy speaks, nothing is granted and nobody is named.
pub fn denies_by_default<B: Bench>() {
    let bench = B::new(&NOTHING);
    let verdict = ask(bench.policy(), "api", &["read"]).expect("a verdict");
    assert_eq!(verdict.tier, Tier::Deny);
    assert!(verdict.policies.is_empty(), "{verdict:?}");
}

/// A permit for one credential permits nothing of another that has the same scope.
pub fn a_permit_is_for_its_credential_alone<B: Bench>() {
    let bench = B::new(&permit(TIERS));
    for (tier_of, (_, scope)) in TIERS {
        assert_eq!(tier(&bench, "api", &[scope]), *tier_of);
        assert_eq!(tier(&bench, "other", &[scope]), Tier::Deny);
    }
}

/// One scope that is not permitted denies the request.
pub fn every_scope_must_be_permitted<B: Bench>() {
    let bench = B::new(&PERMIT_READ);
    assert_eq!(tier(&bench, "api", &["read", "write"]), Tier::Deny);
    assert_eq!(tier(&bench, "api", &["write"]), Tier::Deny);
    let bench = B::new(&PERMIT_BOTH);
    assert_eq!(tier(&bench, "api", &["read", "write"]), Tier::Auto);
}

/// A request has the most friction that any of its scopes has, and those who ask for it are named.
pub fn the_most_friction_of_all_scopes_counts<B: Bench>() {
    let bench = B::new(&permit(TIERS));
    for (scopes, expected) in [
        (&["read", "write"][..], Tier::Review),
        (&["read", "delete"], Tier::Human),
        (&["delete", "read", "write"], Tier::Human),
        (&["read", "write", "nothing"], Tier::Deny),
    ] {
        let verdict = ask(bench.policy(), "api", scopes).expect("a verdict");
        assert_eq!(verdict.tier, expected, "{scopes:?}");
        let named = usize::from(expected != Tier::Deny);
        assert_eq!(verdict.policies.len(), named, "{verdict:?}");
    }
}

/// Of the tiers that a scope is permitted at, the one with the least friction counts.
pub fn the_least_friction_of_one_scope_counts<B: Bench>() {
    let bench = B::new(&permit(&[(Tier::Human, READ), (Tier::Review, READ)]));
    assert_eq!(tier(&bench, "api", &["read"]), Tier::Review);
}

/// A forbid wins over every permit of every tier, and is named.
pub fn a_forbid_wins<B: Bench>() {
    let bench = B::new(&Written::Rules(Rules {
        permit: &[
            (Tier::Auto, READ),
            (Tier::Auto, WRITE),
            (Tier::Review, WRITE),
            (Tier::Human, WRITE),
        ],
        forbid: &[WRITE],
        approve: &[],
        network: &[],
    }));
    for scopes in [&["write"][..], &["read", "write"]] {
        let verdict = ask(bench.policy(), "api", scopes).expect("a verdict");
        assert_eq!(verdict.tier, Tier::Deny);
        assert!(!verdict.policies.is_empty(), "the forbid is named");
    }
    assert_eq!(tier(&bench, "api", &["read"]), Tier::Auto);
}

/// Whoever is permitted a token may not therefore approve one.
pub fn nobody_approves_by_default<B: Bench>() {
    let bench = B::new(&permit(TIERS));
    for who in [ALICE, BOSS, LOOK] {
        let consent = approves(bench.policy(), who, "api").expect("a verdict");
        assert_eq!(consent, Consent::MayNot(Vec::new()), "{who:?}");
    }
}

/// Who may approve of one credential may not of another, and nobody else may; the policy is named.
pub fn an_approver_is_one_for_their_credential_alone<B: Bench>() {
    let bench = B::new(&Written::Rules(Rules {
        permit: &[],
        forbid: &[],
        approve: &[(BOSS, "api"), (LOOK, "db")],
        network: &[],
    }));
    for (who, credential, may) in [
        (BOSS, "api", true),
        (BOSS, "db", false),
        (LOOK, "api", false),
        (LOOK, "db", true),
        (ALICE, "api", false),
        (Who::Person("look"), "db", false),
        (Who::Reviewer("boss"), "api", false),
    ] {
        match approves(bench.policy(), who, credential).expect("a verdict") {
            Consent::May(by) => assert!(may && by.len() == 1, "{who:?} {credential} {by:?}"),
            Consent::MayNot(by) => assert!(!may && by.is_empty(), "{who:?} {credential} {by:?}"),
        }
    }
}

/// Whoever is permitted a token may not therefore use the network.
pub fn the_network_is_closed_by_default<B: Bench>() {
    let bench = B::new(&permit(TIERS));
    for (scope, url) in [REACH, LOOK_AT, SEND] {
        let verdict = uses(bench.policy(), &[scope], url).expect("a verdict");
        assert_eq!(verdict.tier, Tier::Deny, "{scope} {url}");
        assert!(verdict.policies.is_empty(), "{verdict:?}");
    }
}

/// Leave for one target is none for another host, port, scheme, method or path, and reaching is not sending.
pub fn leave_is_for_its_target_alone<B: Bench>() {
    let bench = B::new(&leave(&[
        (Tier::Auto, REACH),
        (Tier::Review, LOOK_AT),
        (Tier::Human, SEND),
    ]));
    for (scope, url, expected) in [
        ("connect", "https://a.example.test", Tier::Auto),
        ("connect", "https://b.example.test", Tier::Deny),
        ("connect", "https://example.test", Tier::Deny),
        ("connect", "https://bada.example.test", Tier::Deny),
        ("connect", "https://a.example.test.evil.test", Tier::Deny),
        ("connect", "https://a.example.test:8443", Tier::Deny),
        ("connect", "http://a.example.test", Tier::Deny),
        ("GET", "https://a.example.test/x", Tier::Review),
        ("POST", "https://a.example.test/x", Tier::Human),
        ("PUT", "https://a.example.test/x", Tier::Deny),
        ("GET", "https://a.example.test/x/y", Tier::Deny),
        ("GET", "https://b.example.test/x", Tier::Deny),
    ] {
        let verdict = uses(bench.policy(), &[scope], url).expect("a verdict");
        assert_eq!(verdict.tier, expected, "{scope} {url}");
        let named = usize::from(expected != Tier::Deny);
        assert_eq!(verdict.policies.len(), named, "{verdict:?}");
    }
}

/// A forbid wins over every permit of every tier, and is named.
pub fn a_forbid_wins_in_the_network<B: Bench>() {
    let bench = B::new(&leave(&[
        (Tier::Auto, REACH),
        (Tier::Human, REACH),
        (Tier::Deny, REACH),
        (Tier::Auto, SEND),
        (Tier::Review, SEND),
        (Tier::Human, SEND),
        (Tier::Deny, SEND),
        (Tier::Auto, LOOK_AT),
    ]));
    for ((scope, url), expected) in [
        (REACH, Tier::Deny),
        (SEND, Tier::Deny),
        (LOOK_AT, Tier::Auto),
    ] {
        let verdict = uses(bench.policy(), &[scope], url).expect("a verdict");
        assert_eq!(verdict.tier, expected, "{scope} {url}");
        assert_eq!(verdict.policies.len(), 1, "{verdict:?}");
    }
}

/// What does not read as one target is denied, however much is permitted.
pub fn what_is_no_target_is_denied<B: Bench>() {
    let bench = B::new(&leave(&[
        (Tier::Auto, REACH),
        (Tier::Auto, LOOK_AT),
        (Tier::Auto, SEND),
    ]));
    for (scopes, url) in [
        (&[][..], "https://a.example.test"),
        (&["connect"], "https://a.example.test/x"),
        (&["connect"], "a.example.test"),
        (&["get"], "https://a.example.test/x"),
        (&["GET"], "https://a.example.test"),
        (&["GET"], "https://a.example.test/x?y"),
        (&["GET", "POST"], "https://a.example.test/x"),
        (&["GET", "connect"], "https://a.example.test/x"),
    ] {
        let verdict = uses(bench.policy(), scopes, url).expect("a verdict");
        assert_eq!(verdict.tier, Tier::Deny, "{scopes:?} {url}");
    }
}

/// A policy that cannot be evaluated fails the question; it is not passed over.
pub fn a_failing_policy_is_an_error<B: Bench>() {
    let bench = B::new(&Written::Failing);
    let verdict = ask(bench.policy(), "api", &["read"]);
    assert!(
        matches!(verdict, Err(PolicyError::Engine(_))),
        "{verdict:?}"
    );
    let consent = approves(bench.policy(), BOSS, "api");
    assert!(
        matches!(consent, Err(PolicyError::Engine(_))),
        "{consent:?}"
    );
}

/// What is written comes into force with a reload and not before, and shows in the summary.
pub fn a_reload_takes_effect<B: Bench>() {
    let bench = B::new(&PERMIT_READ);
    let before = bench.policy().summary();
    bench.write(&PERMIT_BOTH);
    assert_eq!(tier(&bench, "api", &["write"]), Tier::Deny);
    assert_eq!(bench.policy().summary(), before);

    let after = bench.policy().reload().expect("good policies load");
    assert_eq!(tier(&bench, "api", &["write"]), Tier::Auto);
    assert_eq!(bench.policy().summary(), after);
    assert_ne!(after.digest, before.digest);
    assert_eq!((before.policies, after.policies), (1, 2));
}

/// What cannot be loaded replaces nothing.
pub fn a_bad_reload_changes_nothing<B: Bench>() {
    let bench = B::new(&PERMIT_READ);
    let before = bench.policy().summary();
    bench.write(&Written::Broken);
    let reloaded = bench.policy().reload();
    assert!(
        matches!(reloaded, Err(PolicyError::Invalid(_))),
        "{reloaded:?}"
    );
    assert_eq!(bench.policy().summary(), before);
    assert_eq!(tier(&bench, "api", &["read"]), Tier::Auto);

    bench.write(&PERMIT_BOTH);
    bench.policy().reload().expect("good policies load again");
    assert_eq!(tier(&bench, "api", &["write"]), Tier::Auto);
}

fn tier<B: Bench>(bench: &B, credential: &str, scopes: &[&str]) -> Tier {
    ask(bench.policy(), credential, scopes)
        .expect("a verdict")
        .tier
}

/// Asks for scopes of a credential on behalf of [`session`], for ten minutes.
fn ask(policy: &dyn Policy, name: &str, scopes: &[&str]) -> Result<Verdict, PolicyError> {
    let credential = credential(name, scopes);
    policy.decide(&Question {
        session: &session(ISSUER, "alice", &["dev"], "coder"),
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    })
}

/// Asks whether somebody may approve of `read` of a credential, for ten minutes, to an agent of alice's.
fn approves(policy: &dyn Policy, who: Who, name: &str) -> Result<Consent, PolicyError> {
    let credential = credential(name, &["read"]);
    let asks = session(ISSUER, "alice", &["dev"], "coder");
    let approver = match who {
        Who::Person(subject) => Approver::Person {
            user: session(ISSUER, subject, &["dev"], "coder").user,
        },
        Who::Reviewer(name) => Approver::Reviewer {
            name: name.to_owned(),
        },
    };
    policy.may_approve(&ApproverQuestion {
        approver: &approver,
        risk: None,
        requester: &asks.user.id,
        agent: &asks.agent,
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
        lifetime: 600,
    })
}

/// Asks for leave to use the network on behalf of [`session`], for ten minutes.
fn uses(policy: &dyn Policy, scopes: &[&str], url: &str) -> Result<Verdict, PolicyError> {
    let network = network(scopes, url);
    policy.decide(&Question {
        session: &session(ISSUER, "alice", &["dev"], "coder"),
        credential: &network,
        scopes: &network.scopes,
        audience: &network.audiences.first,
        lifetime: 600,
    })
}

/// An active session, for questions to policies.
pub fn session(issuer: &str, subject: &str, groups: &[&str], agent: &str) -> Session {
    let now = Moment {
        unix_ms: 1_800_000_000_000,
        boot_us: 3_600_000_000,
        boot: Boot(1),
    };
    Session {
        id: SessionId::parse("0198c0de00007000800000000000000f").expect("an id"),
        account: AccountName::parse("default").expect("a name"),
        user: User {
            id: UserId {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            },
            display: subject.to_owned(),
            groups: groups
                .iter()
                .map(|group| (*group).to_owned())
                .collect::<BTreeSet<_>>(),
        },
        agent: AgentName::parse(agent).expect("a name"),
        profile: None,
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(3600),
        state: SessionState::Active,
        forgiven: None,
    }
}

/// A signed credential with these scopes and the audience `https://NAME.example.test`.
pub fn credential(name: &str, scopes: &[&str]) -> Credential {
    let audience = format!("https://{name}.example.test");
    Credential {
        name: CredentialName::parse(name).expect("a name"),
        source: SourceKind::Signed,
        scopes: ScopeSet::parse(scopes.iter().copied()).expect("scopes"),
        audiences: Audiences {
            first: Audience::parse(&audience).expect("an audience"),
            others: Vec::new(),
        },
        max_lifetime: 3600,
        algorithm: Algorithm::EdDSA,
        owner: None,
        labels: BTreeSet::new(),
        min_tier: Tier::Auto,
        delivery: valetkey_core::Delivery::Token,
    }
}

/// What stands for leave to use the network, where these scopes (`connect` or a method) are asked for and
/// this origin or URL.
pub fn network(scopes: &[&str], url: &str) -> Credential {
    Credential {
        source: SourceKind::Network,
        audiences: Audiences {
            first: Audience::parse(url).expect("an audience"),
            others: Vec::new(),
        },
        delivery: valetkey_core::Delivery::Pass,
        ..credential(Credential::NETWORK, scopes)
    }
}
