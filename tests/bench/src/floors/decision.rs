//! One Cedar decision on the policies that can apply to a question, as the policy engine picks them.

use std::{collections::BTreeSet, hint::black_box};

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Boot, Credential, CredentialName,
    Moment, Pins, ScopeSet, Session, SessionId, SessionState, SourceKind, Tier, User, UserId,
    ports::{Policy as _, Question},
};
use valetkey_policy::CedarPolicies;

use crate::Measured;

/// The engine with the baseline, and a question such as the broker asks.
pub(crate) struct Decisions {
    policies: CedarPolicies,
    session: Session,
    credential: Credential,
    scopes: ScopeSet,
}

impl Decisions {
    pub(crate) fn new() -> Measured<Self> {
        let now = Moment {
            unix_ms: 1_800_000_000_000,
            boot_us: 0,
            boot: Boot(1),
        };
        let session = Session {
            id: SessionId::parse("0198c0de00007000800000000000000f").ok_or("not an id")?,
            account: AccountName::parse("default")?,
            user: User {
                id: UserId {
                    issuer: "http://127.0.0.1:40000".to_owned(),
                    subject: "alice".to_owned(),
                },
                display: "alice".to_owned(),
                groups: ["dev".to_owned()].into(),
            },
            agent: AgentName::parse("bench")?,
            profile: None,
            workspace: None,
            pins: Pins::default(),
            started: now,
            deadline: now.after(3600),
            state: SessionState::Active,
            forgiven: None,
        };
        let credential = Credential {
            name: CredentialName::parse("demo-api")?,
            source: SourceKind::Signed,
            scopes: ScopeSet::parse(["api:read", "api:write"])?,
            audiences: Audiences {
                first: Audience::parse("https://api.example.test")?,
                others: Vec::new(),
            },
            max_lifetime: 900,
            algorithm: Algorithm::EdDSA,
            owner: None,
            labels: BTreeSet::new(),
            min_tier: Tier::Auto,
            delivery: valetkey_core::Delivery::Token,
        };
        Ok(Self {
            policies: CedarPolicies::load(&[])?,
            session,
            credential,
            scopes: ScopeSet::parse(["api:read"])?,
        })
    }

    pub(crate) fn decide(&self) -> Measured<()> {
        let verdict = self.policies.decide(black_box(&Question {
            session: &self.session,
            credential: &self.credential,
            scopes: &self.scopes,
            audience: &self.credential.audiences.first,
            lifetime: 600,
        }))?;
        match verdict.tier {
            Tier::Auto => Ok(()),
            _ => Err("the baseline does not permit at once what is measured".into()),
        }
    }
}
