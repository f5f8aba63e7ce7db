//! Contract of [`Sources`], one function per promise; and a [`Scene`] that makes permits for it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a contract suite panics where a promise is broken"
)]

use std::{collections::BTreeSet, fs::File, sync::Arc};

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Caller, Credential, CredentialName,
    Credentials, LIFETIME_CEILING, Lease, LeaseId, Moment, Pins, RequestId, ScopeSet, Session,
    SessionId, SessionState, SourceKind, Tier, User, UserId,
    ports::{
        ApproverQuestion, Consent, Policy, PolicyError, PolicySummary, Question, Retraction,
        Sources, Verdict,
    },
    request::{Ask, Judged, Permit, Received},
};
use valetkey_secret::Destination;

use crate::{CountingEntropy, fakes::callers::FakeCallers};

/// What a suite needs to know of the tokens of an adapter.
pub trait Stage {
    /// The adapter.
    fn sources(&self) -> &dyn Sources;
    /// The lease that a token names, and when it says that it ends (seconds since the Unix epoch).
    fn read(&self, token: &str) -> (LeaseId, u64);
}

/// Every promise, each on a fresh stage.
pub async fn suite<S: Stage>(make: impl Fn() -> S, now: Moment) {
    gives_what_the_permit_allows(&make(), now).await;
    never_outlives_the_session(&make(), now).await;
    gives_every_lease_a_token_of_its_own(&make(), now).await;
    takes_back_as_often_as_asked(&make(), now).await;
}

async fn gives_what_the_permit_allows(stage: &impl Stage, now: Moment) {
    let permit = Scene::new(now).permit(now);
    let (lease, token) = obtain(stage, &permit, now).await;
    assert_eq!(stage.read(&token), (lease, permit.expires(now)));
    assert_eq!(permit.expires(now), now.unix_seconds() + 600);
}

async fn never_outlives_the_session(stage: &impl Stage, now: Moment) {
    let mut scene = Scene::new(now);
    scene.session.deadline = now.after(45);
    let permit = scene.permit(now);
    let (_, token) = obtain(stage, &permit, now).await;
    assert_eq!(stage.read(&token).1, now.unix_seconds() + 45);

    // The wall clock is set back by an hour; the session still has 45 seconds.
    let back = Moment {
        unix_ms: now.unix_ms - 3_600_000,
        ..now
    };
    let permit = scene.permit(back);
    let (_, token) = obtain(stage, &permit, back).await;
    assert_eq!(stage.read(&token).1, back.unix_seconds() + 45);
}

async fn gives_every_lease_a_token_of_its_own(stage: &impl Stage, now: Moment) {
    let permit = Scene::new(now).permit(now);
    let (one, first) = obtain(stage, &permit, now).await;
    let (other, second) = obtain(stage, &permit, now).await;
    assert_ne!(one, other);
    assert_ne!(first, second);
}

async fn takes_back_as_often_as_asked(stage: &impl Stage, now: Moment) {
    let scene = Scene::new(now);
    let permit = scene.permit(now);
    let (id, _token) = obtain(stage, &permit, now).await;
    let lease = Lease {
        id,
        session: scene.session.id,
        credential: scene.credential.name.clone(),
        grant: permit.grant().clone(),
        expires: permit.expires(now),
    };
    let first = stage.sources().revoke(&lease).await.unwrap();
    assert_eq!(stage.sources().revoke(&lease).await.unwrap(), first);
    if let Retraction::EndsAt(end) = first {
        assert_eq!(end, lease.expires);
    }
}

async fn obtain(stage: &impl Stage, permit: &Permit, now: Moment) -> (LeaseId, String) {
    let lease = fresh_lease(now);
    let token = stage.sources().obtain(permit, lease, now).await.unwrap();
    let text = token.disclose(Destination::AgentReply, <[u8]>::to_vec);
    (lease, String::from_utf8(text).unwrap())
}

/// A lease id that no earlier call gave.
pub fn fresh_lease(now: Moment) -> LeaseId {
    static ENTROPY: std::sync::LazyLock<CountingEntropy> =
        std::sync::LazyLock::new(CountingEntropy::default);
    LeaseId::new(now, &*ENTROPY)
}

/// A session, a credential and a wish, all of which may be changed before a permit is made of them.
pub struct Scene {
    /// Alice's session with the agent `coder`; an hour is left.
    pub session: Session,
    /// `orders`, signed, with scopes `read` and `write`.
    pub credential: Credential,
    /// For `read`, with no more said.
    pub ask: Ask,
}

impl Scene {
    /// A scene that begins at `now`.
    pub fn new(now: Moment) -> Self {
        Self {
            session: session(now),
            credential: Credential {
                name: CredentialName::parse("orders").unwrap(),
                source: SourceKind::Signed,
                scopes: ScopeSet::parse(["read", "write"]).unwrap(),
                audiences: Audiences {
                    first: Audience::parse("https://orders.example.test").unwrap(),
                    others: Vec::new(),
                },
                max_lifetime: LIFETIME_CEILING,
                algorithm: Algorithm::EdDSA,
                owner: None,
                labels: BTreeSet::new(),
                min_tier: Tier::Auto,
                delivery: valetkey_core::Delivery::Token,
            },
            ask: Ask {
                credential: "orders".to_owned(),
                scopes: vec!["read".to_owned()],
                ..Ask::default()
            },
        }
    }

    /// The permit that core makes of it at `now`, where every policy agrees. Panics where core refuses.
    pub fn permit(&self, now: Moment) -> Permit {
        let caller = Arc::new(Caller {
            uid: 1000,
            pid: 4242,
            started: 1,
            pidfd: File::open("/dev/null").unwrap().into(),
        });
        let request = RequestId::new(now, &CountingEntropy::default());
        let credentials: Credentials = [self.credential.clone()].into_iter().collect();
        let judged = Received::new(request, self.session.id, caller, self.ask.clone())
            .identify(
                Arc::new(self.session.clone()),
                1000,
                &FakeCallers::new(1000),
                now,
            )
            .unwrap()
            .judge(&credentials, &Agreeable, now);
        match judged {
            Judged::Permit(permit) => permit,
            judged => panic!("{judged:?}"),
        }
    }
}

fn session(now: Moment) -> Session {
    Session {
        id: SessionId::parse("0198c0de00007000800000000000000f").unwrap(),
        account: AccountName::parse("default").unwrap(),
        user: User {
            id: UserId {
                issuer: "https://id.example.test".to_owned(),
                subject: "alice".to_owned(),
            },
            display: "Alice".to_owned(),
            groups: ["dev".to_owned()].into(),
        },
        agent: AgentName::parse("coder").unwrap(),
        profile: None,
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(3600),
        state: SessionState::Active,
        forgiven: None,
    }
}

struct Agreeable;

impl Policy for Agreeable {
    fn decide(&self, _: &Question<'_>) -> Result<Verdict, PolicyError> {
        Ok(Verdict {
            tier: Tier::Auto,
            policies: vec!["agreeable".to_owned()],
        })
    }

    fn may_approve(&self, _: &ApproverQuestion<'_>) -> Result<Consent, PolicyError> {
        Ok(Consent::MayNot(Vec::new()))
    }

    fn summary(&self) -> PolicySummary {
        PolicySummary {
            digest: String::new(),
            policies: 1,
            origin: String::new(),
        }
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        Ok(self.summary())
    }
}
