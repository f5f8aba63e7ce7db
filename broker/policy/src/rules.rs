//! The policies of one reading, and how they answer.

use std::{collections::BTreeSet, sync::Arc};

use cedar_policy::{Authorizer, Context, Policy};
use valetkey_core::{
    Tier,
    network::{HostName, OriginPattern},
    ports::{ApproverQuestion, Consent, PolicyError, Question, Verdict},
};

use crate::{
    facts::{Facts, Named},
    files::{self, PolicyFile},
    parse,
    slices::{Slices, Spoken},
    words::{Asked, Words, uid},
};

/// Policies that fit the schema, ready to be asked.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) words: Words,
    pub(crate) authorizer: Authorizer,
    /// In the order of their files.
    pub(crate) policies: Vec<Policy>,
    pub(crate) slices: Slices,
    pub(crate) named: Named,
    /// Origins that a credential is put into requests to.
    pub(crate) injected: Arc<[OriginPattern]>,
    /// SHA-256 over all files, in hexadecimal.
    pub(crate) digest: String,
}

/// One scope that nothing has permitted so far, and what forbids it.
struct Open {
    context: Context,
    forbids: BTreeSet<String>,
}

impl Rules {
    pub(crate) fn read(
        files: &[PolicyFile],
        injected: &Arc<[OriginPattern]>,
    ) -> Result<Self, PolicyError> {
        Self::new(parse::policies(files)?, files::digest(files), injected)
    }

    fn new(
        policies: Vec<Policy>,
        digest: String,
        injected: &Arc<[OriginPattern]>,
    ) -> Result<Self, PolicyError> {
        let words = Words::new()?;
        Ok(Self {
            authorizer: Authorizer::new(),
            named: Named::by(&words, &policies),
            injected: Arc::clone(injected),
            slices: Slices::new(&words, &policies)?,
            digest,
            policies,
            words,
        })
    }

    /// The same policies and one more.
    pub(crate) fn with(&self, policy: Policy) -> Result<Self, PolicyError> {
        let policies = self.policies.iter().cloned().chain([policy]).collect();
        Self::new(policies, self.digest.clone(), &self.injected)
    }

    /// The same policies without one.
    pub(crate) fn without(&self, id: &str) -> Result<Self, PolicyError> {
        let rest = self
            .policies
            .iter()
            .filter(|policy| AsRef::<str>::as_ref(policy.id()) != id);
        let rest = rest.cloned().collect();
        Self::new(rest, self.digest.clone(), &self.injected)
    }

    /// How many policies.
    pub(crate) fn count(&self) -> u64 {
        self.policies.len().try_into().unwrap_or(u64::MAX)
    }

    /// What is true of a question.
    pub(crate) fn facts<'a>(&self, question: &Question<'a>) -> Result<Facts<'a>, PolicyError> {
        Facts::new(&self.words, &self.named, &self.injected, question)
    }

    /// Whether the head of a rule about requests names the host or a domain of it.
    pub(crate) fn speaks_of_requests(&self, host: &HostName) -> bool {
        let names = std::iter::once(host.as_str()).chain(host.domains());
        let hosts: Vec<_> = names.map(|name| uid(&self.words.host, name)).collect();
        let requests = self.words.tiers(Asked::Request);
        requests
            .iter()
            .any(|(_, action)| self.slices.name_one_of(action, &hosts))
    }

    /// Asks about every scope by itself, from the least friction to the most: what is permitted at one
    /// tier is not asked about at the next. A policy that fails to evaluate fails the whole question.
    pub(crate) fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        self.judge(&self.facts(question)?)
    }

    /// As [`Self::decide`], of what is true of the question.
    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Result<Verdict, PolicyError> {
        let mut open = open(facts)?;
        for (tier, action) in self.words.tiers(facts.asked) {
            let relevant = self.slices.relevant(action, facts);
            let mut permits = BTreeSet::new();
            let mut left = Vec::new();
            for mut scope in open {
                let request = facts.request(action, scope.context.clone())?;
                match relevant.ask(&self.authorizer, &request, facts)? {
                    Spoken::Permitted(by) => {
                        permits.extend(by);
                        continue;
                    }
                    Spoken::Forbidden(by) => scope.forbids.extend(by),
                    Spoken::Nothing => {}
                }
                left.push(scope);
            }
            if left.is_empty() {
                return Ok(verdict(*tier, permits));
            }
            open = left;
        }
        let forbids = open.into_iter().flat_map(|scope| scope.forbids).collect();
        Ok(verdict(Tier::Deny, forbids))
    }

    /// Every scope must be permitted to be approved.
    pub(crate) fn may_approve(
        &self,
        question: &ApproverQuestion<'_>,
    ) -> Result<Consent, PolicyError> {
        let facts = Facts::of_approver(&self.words, &self.named, question)?;
        self.consent(&facts)
    }

    /// As [`Self::may_approve`], of what is true of the question.
    pub(crate) fn consent(&self, facts: &Facts<'_>) -> Result<Consent, PolicyError> {
        let action = &self.words.approve;
        let relevant = self.slices.relevant(action, facts);
        let mut permits = BTreeSet::new();
        for scope in open(facts)? {
            let request = facts.request(action, scope.context)?;
            match relevant.ask(&self.authorizer, &request, facts)? {
                Spoken::Permitted(by) => permits.extend(by),
                Spoken::Forbidden(by) => return Ok(Consent::MayNot(by.into_iter().collect())),
                Spoken::Nothing => return Ok(Consent::MayNot(Vec::new())),
            }
        }
        Ok(Consent::May(permits.into_iter().collect()))
    }
}

fn open(facts: &Facts<'_>) -> Result<Vec<Open>, PolicyError> {
    let scopes = facts.scopes().map(|scope| {
        Ok(Open {
            context: facts.context(scope)?,
            forbids: BTreeSet::new(),
        })
    });
    scopes.collect()
}

fn verdict(tier: Tier, policies: BTreeSet<String>) -> Verdict {
    Verdict {
        tier,
        policies: policies.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
