//! The policies in force, and how they answer.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use cedar_policy::Authorizer;
use valetkey_core::ports::{Policy, PolicyError, PolicySummary, Question, Tier, Verdict};

use crate::{
    facts::{Facts, Groups, Words},
    files::{self, PolicyFile},
    parse,
    slices::{Slices, Spoken},
};

/// The policies of some folders, or the [baseline](crate::BASELINE).
pub struct CedarPolicies {
    folders: Vec<PathBuf>,
    words: Words,
    authorizer: Authorizer,
    in_force: RwLock<Arc<InForce>>,
    /// Held while files are read, so that of two reloads the later one stays.
    reloading: Mutex<()>,
}

struct InForce {
    slices: Slices,
    groups: Groups,
    summary: PolicySummary,
}

impl CedarPolicies {
    /// Reads every `*.cedar` file of `folders`, in their order and by name; no folders means the
    /// [baseline](crate::BASELINE). Blocks for as long as that takes, some milliseconds.
    ///
    /// A file is refused that is larger than 1 MiB, that somebody other than root and this process's
    /// user owns or may write, that does not parse, that holds a template, or that does not fit the
    /// schema: a policy that can never apply does not.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] names the first file and policy that is wrong, and what to do.
    pub fn load(folders: &[PathBuf]) -> Result<Self, PolicyError> {
        let words = Words::new()?;
        let in_force = InForce::read(&words, folders)?;
        Ok(Self {
            folders: folders.to_vec(),
            words,
            authorizer: Authorizer::new(),
            in_force: RwLock::new(Arc::new(in_force)),
            reloading: Mutex::new(()),
        })
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl InForce {
    fn read(words: &Words, folders: &[PathBuf]) -> Result<Self, PolicyError> {
        let files = if folders.is_empty() {
            PolicyFile::baseline()
        } else {
            files::read(folders)?
        };
        let policies = parse::policies(&files)?;
        Ok(Self {
            summary: PolicySummary {
                digest: files::digest(&files),
                policies: policies.len().try_into().unwrap_or(u64::MAX),
            },
            groups: Groups::named_by(words, &policies),
            slices: Slices::new(policies)?,
        })
    }
}

impl Policy for CedarPolicies {
    /// Every scope is judged by itself and all must be permitted; the first that is not ends it. A
    /// policy that fails to evaluate fails the whole question.
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        let in_force = self.in_force();
        let facts = Facts::new(&self.words, &in_force.groups, question)?;
        let relevant = in_force.slices.relevant(&facts);
        let mut policies = BTreeSet::new();
        for request in facts.requests() {
            match relevant.ask(&self.authorizer, &request?, &facts)? {
                Spoken::Permitted(by) => policies.extend(by),
                Spoken::Forbidden(by) => return Ok(verdict(Tier::Deny, by)),
                Spoken::Nothing => return Ok(verdict(Tier::Deny, BTreeSet::new())),
            }
        }
        Ok(verdict(Tier::Auto, policies))
    }

    fn summary(&self) -> PolicySummary {
        self.in_force().summary.clone()
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        let _reloading = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let read = Arc::new(InForce::read(&self.words, &self.folders)?);
        let summary = read.summary.clone();
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = read;
        Ok(summary)
    }
}

fn verdict(tier: Tier, policies: BTreeSet<String>) -> Verdict {
    Verdict {
        tier,
        policies: policies.into_iter().collect(),
    }
}
