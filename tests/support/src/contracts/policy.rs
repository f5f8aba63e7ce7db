//! Contract of the policy port, one function per promise.

#![expect(
    clippy::expect_used,
    reason = "a suite panics where a promise is broken"
)]

use std::collections::BTreeSet;

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Boot, Credential, CredentialName,
    Moment, Pins, ScopeSet, Session, SessionId, SessionState, SourceKind, User, UserId,
    ports::{Policy, PolicyError, Question, Tier, Verdict},
};

/// A credential and a scope of it.
pub type Pair = (&'static str, &'static str);

/// What is written where the engine reads its policies.
pub enum Written {
    /// Whoever asks: these are permitted, those forbidden.
    Rules {
        /// Permitted.
        permit: &'static [Pair],
        /// Forbidden.
        forbid: &'static [Pair],
    },
    /// Policies of which one fails whenever it is evaluated.
    Failing,
    /// Something that cannot be loaded.
    Broken,
}

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
const PERMIT_READ: Written = Written::Rules {
    permit: &[READ],
    forbid: &[],
};
const PERMIT_BOTH: Written = Written::Rules {
    permit: &[READ, WRITE],
    forbid: &[],
};
const NOTHING: Written = Written::Rules {
    permit: &[],
    forbid: &[],
};

/// All promises.
pub fn suite<B: Bench>() {
    denies_by_default::<B>();
    a_permit_is_for_its_credential_alone::<B>();
    every_scope_must_be_permitted::<B>();
    a_forbid_wins::<B>();
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
    let bench = B::new(&PERMIT_READ);
    assert_eq!(tier(&bench, "api", &["read"]), Tier::Auto);
    assert_eq!(tier(&bench, "other", &["read"]), Tier::Deny);
}

/// One scope that is not permitted denies the request.
pub fn every_scope_must_be_permitted<B: Bench>() {
    let bench = B::new(&PERMIT_READ);
    assert_eq!(tier(&bench, "api", &["read", "write"]), Tier::Deny);
    assert_eq!(tier(&bench, "api", &["write"]), Tier::Deny);
    let bench = B::new(&PERMIT_BOTH);
    assert_eq!(tier(&bench, "api", &["read", "write"]), Tier::Auto);
}

/// A forbid wins over every permit, and is named.
pub fn a_forbid_wins<B: Bench>() {
    let bench = B::new(&Written::Rules {
        permit: &[READ, WRITE],
        forbid: &[WRITE],
    });
    for scopes in [&["write"][..], &["read", "write"]] {
        let verdict = ask(bench.policy(), "api", scopes).expect("a verdict");
        assert_eq!(verdict.tier, Tier::Deny);
        assert!(!verdict.policies.is_empty(), "the forbid is named");
    }
    assert_eq!(tier(&bench, "api", &["read"]), Tier::Auto);
}

/// A policy that cannot be evaluated fails the question; it is not passed over.
pub fn a_failing_policy_is_an_error<B: Bench>() {
    let bench = B::new(&Written::Failing);
    let verdict = ask(bench.policy(), "api", &["read"]);
    assert!(
        matches!(verdict, Err(PolicyError::Engine(_))),
        "{verdict:?}"
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
        session: &session("https://id.example.test", "alice", &["dev"], "coder"),
        credential: &credential,
        scopes: &credential.scopes,
        audience: &credential.audiences.first,
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
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(3600),
        state: SessionState::Active,
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
    }
}
