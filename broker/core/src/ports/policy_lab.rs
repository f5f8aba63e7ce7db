//! Trying policies without putting them in force.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Policy, PolicyError, Question};
use crate::{Credentials, Tier};

/// One policy that spoke to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Its id.
    pub policy: String,
    /// Whether it forbids.
    pub forbids: bool,
    /// What its `@reason` says, cleaned; it decides nothing.
    pub reason: Option<String>,
}

/// What the policies say of one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeExplained {
    /// The scope; empty where the credential has none.
    pub scope: String,
    /// The least friction that is permitted.
    pub tier: Tier,
    /// The policies that spoke, in order: those that decided and those that were outdone.
    pub voices: Vec<Voice>,
}

/// One rule that would change the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What to do, in words.
    pub what: String,
    /// The rule to add, in Cedar, where one is to be added.
    pub rule: Option<String>,
    /// What else it would allow, among the configured credentials, for this session and for others; a
    /// sentence each.
    pub also: Vec<String>,
}

/// Why a question is answered as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The least friction at which all of it is permitted.
    pub tier: Tier,
    /// Scope by scope.
    pub scopes: Vec<ScopeExplained>,
    /// The one rule that would lessen the friction; `None` where there is none to lessen.
    pub change: Option<Change>,
    /// What the agent could ask for instead, in words.
    pub instead: Vec<String>,
}

/// How one case of a table came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// Its table and name.
    pub case: String,
    /// What is wrong; `None` where it holds.
    pub wrong: Option<String>,
}

/// One rule that does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// Its id.
    pub policy: String,
    /// Why: it can never apply, or who decides in its place.
    pub why: String,
}

/// What is to be said of a folder of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many policies there are.
    pub policies: u64,
    /// The cases of all tables.
    pub cases: Vec<CaseResult>,
    /// Rules that can never apply, or that others make needless.
    pub idle: Vec<IdleRule>,
    /// How many requests the search for idle rules looked at.
    pub looked_at: u64,
    /// Rules about requests to hosts of which nobody sees the requests.
    pub unseen: Vec<IdleRule>,
}

/// The bench of policy authors. Everything here reads files and computes for up to a second: whoever
/// calls it does so from a blocking thread.
pub trait PolicyLab: Send + Sync {
    /// Why the policies in force answer as they do.
    fn explain(
        &self,
        question: &Question<'_>,
        credentials: &Credentials,
    ) -> Result<Explanation, PolicyError>;

    /// The policies of a folder, validated and not in force.
    fn candidate(&self, folders: &[PathBuf]) -> Result<Arc<dyn Policy>, PolicyError>;

    /// Validates a folder of policies, runs the tables of `cases` where they are given, and looks for
    /// rules that do nothing. No folder means the policies in force.
    fn check(
        &self,
        folder: Option<&Path>,
        cases: Option<&Path>,
        credentials: &Credentials,
    ) -> Result<Checked, PolicyError>;
}
