//! Which tier, and why.

use crate::{Audience, Credential, ScopeSet, Session};

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

/// How much friction a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Granted at once.
    Auto,
    /// Not granted.
    Deny,
}

/// What the policies say. Evidence, not permission: only the core makes permits.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The tier.
    pub tier: Tier,
    /// Ids of the policies that decided, in order. Empty where nothing permitted.
    pub policies: Vec<String>,
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
}

/// The policy engine.
pub trait Policy: Send + Sync {
    /// Decides. Takes tens of microseconds and does no I/O.
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError>;

    /// What is in force.
    fn summary(&self) -> PolicySummary;

    /// Reads the policy files again. Blocks for the time that takes; whoever calls it does so from a
    /// blocking thread. On error nothing changes.
    fn reload(&self) -> Result<PolicySummary, PolicyError>;
}
