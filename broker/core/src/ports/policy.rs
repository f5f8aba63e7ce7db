//! Which tier, who may approve, and why.

use crate::{AgentName, Approver, Audience, Credential, Risk, ScopeSet, Session, Tier, UserId};

/// All that a decision may depend on. The agent's reason is not among it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The session, with its user and the user's groups.
    pub session: &'a Session,
    /// The credential that is asked for.
    pub credential: &'a Credential,
    /// The scopes that are asked for; all must be permitted.
    pub scopes: &'a ScopeSet,
    /// The audience that is asked for.
    pub audience: &'a Audience,
    /// The lifetime that would be granted, in seconds.
    pub lifetime: u64,
}

/// What the policies say. Evidence, not permission: only the core makes permits.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The least friction that is permitted.
    pub tier: Tier,
    /// Ids of the policies that decided, in order. Empty where nothing permitted.
    pub policies: Vec<String>,
}

/// Whether somebody may answer a question.
#[derive(Clone, Copy, Debug)]
pub struct ApproverQuestion<'a> {
    /// Who would answer.
    pub approver: &'a Approver,
    /// How risky a reviewer finds it, where a reviewer answers.
    pub risk: Option<Risk>,
    /// The user whose session asks.
    pub requester: &'a UserId,
    /// The agent of that session.
    pub agent: &'a AgentName,
    /// The credential that is asked for.
    pub credential: &'a Credential,
    /// The scopes that are asked for; all must be permitted.
    pub scopes: &'a ScopeSet,
    /// The audience that is asked for.
    pub audience: &'a Audience,
    /// The lifetime that would be granted, in seconds.
    pub lifetime: u64,
}

/// What the policies say of an approver.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// They may, by these policies.
    May(Vec<String>),
    /// They may not: forbidden by these, or permitted by none.
    MayNot(Vec<String>),
}

/// Why there is no verdict, or no new policies. For a decision every one is a refusal.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Evaluation failed.
    #[error("the policy engine failed: {0}")]
    Engine(String),
    /// The files do not parse or validate; what was in force stays in force.
    #[error("{0}")]
    Invalid(String),
}

/// The policies in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySummary {
    /// SHA-256 over all files, in hexadecimal.
    pub digest: String,
    /// How many policies.
    pub policies: u64,
    /// Where they are from, in words, such as `the shipped baseline`.
    pub origin: String,
}

/// The policy engine.
pub trait Policy: Send + Sync {
    /// Decides: the least friction at which every scope is permitted. Takes tens of microseconds and
    /// does no I/O.
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError>;

    /// Whether the approver may answer. As [`Policy::decide`].
    fn may_approve(&self, question: &ApproverQuestion<'_>) -> Result<Consent, PolicyError>;

    /// What is in force.
    fn summary(&self) -> PolicySummary;

    /// Reads the policy files again. Blocks for the time that takes; whoever calls it does so from a
    /// blocking thread. On error nothing changes.
    fn reload(&self) -> Result<PolicySummary, PolicyError>;
}
