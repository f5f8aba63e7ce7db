//! Which policies can apply to a question, found without asking the others.
//!
//! Cedar's cost grows with the number of policies that it is given. A policy whose head names an action,
//! a resource (`resource == Valetkey::Credential::"x"`, `resource in Valetkey::Host::"example.com"`) or
//! a principal (`principal in Valetkey::Group::"y"`) cannot apply to a question about another, so
//! policies are filed by what their heads name, and a question only meets those that name nothing, it, or
//! something that it is in. Only the head counts: it
//! is a conjunction that Cedar itself evaluates first, and a policy whose head does not match is
//! neither satisfied nor in error.
//!
//! The piles are asked one by one. That gives what asking all at once would: a forbid in any pile
//! wins, else a permit in any pile permits.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    ActionConstraint, Authorizer, Decision, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    PrincipalConstraint, Request, ResourceConstraint,
};
use valetkey_core::ports::PolicyError;

use crate::{
    facts::{Facts, failed},
    words::Words,
};

/// All policies, filed.
#[derive(Clone, Default)]
pub(crate) struct Slices(HashMap<EntityUid, Shelf>);

/// Policies that speak of one action. One that leaves the action open is on every shelf.
#[derive(Clone, Default)]
struct Shelf {
    any_resource: Slice,
    by_resource: HashMap<EntityUid, Slice>,
}

/// Policies whose heads say the same of the resource.
#[derive(Clone, Default)]
struct Slice {
    anyone: PolicySet,
    by_principal: HashMap<EntityUid, PolicySet>,
}

impl Slices {
    pub(crate) fn new<'a>(
        words: &Words,
        policies: impl IntoIterator<Item = &'a Policy>,
    ) -> Result<Self, PolicyError> {
        let mut slices = Self::default();
        for policy in policies {
            slices.add(words, policy)?;
        }
        Ok(slices)
    }

    pub(crate) fn add(&mut self, words: &Words, policy: &Policy) -> Result<(), PolicyError> {
        for action in actions(words, policy) {
            let pile = self.0.entry(action).or_default().pile(policy);
            pile.add(policy.clone()).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, words: &Words, policy: &Policy) -> Result<(), PolicyError> {
        for action in actions(words, policy) {
            let pile = self.0.entry(action).or_default().pile(policy);
            pile.remove_static(policy.id().clone()).map_err(failed)?;
        }
        Ok(())
    }

    /// The piles whose policies can apply.
    pub(crate) fn relevant(&self, action: &EntityUid, facts: &Facts<'_>) -> Relevant<'_> {
        let Some(shelf) = self.0.get(action) else {
            return Relevant(Vec::new());
        };
        let named = facts
            .resources
            .iter()
            .filter_map(|resource| shelf.by_resource.get(resource));
        let slices = std::iter::once(&shelf.any_resource).chain(named);
        let piles = slices.flat_map(|slice| {
            let named = facts
                .principals
                .iter()
                .filter_map(|principal| slice.by_principal.get(principal));
            std::iter::once(&slice.anyone).chain(named)
        });
        Relevant(piles.filter(|pile| !pile.is_empty()).collect())
    }

    /// Whether the head of some policy about that action names one of these resources.
    pub(crate) fn name_one_of(&self, action: &EntityUid, resources: &[EntityUid]) -> bool {
        let shelf = self.0.get(action);
        let mut found = resources
            .iter()
            .filter_map(|one| shelf?.by_resource.get(one));
        found.any(|slice| !slice.is_empty())
    }
}

impl Slice {
    /// As it can be where policies were removed.
    fn is_empty(&self) -> bool {
        let named = self.by_principal.values();
        self.anyone.is_empty() && named.into_iter().all(PolicySet::is_empty)
    }
}

impl Shelf {
    /// Where a policy belongs.
    fn pile(&mut self, policy: &Policy) -> &mut PolicySet {
        let slice = match named_resource(policy) {
            Some(resource) => self.by_resource.entry(resource).or_default(),
            None => &mut self.any_resource,
        };
        match named_principal(policy) {
            Some(principal) => slice.by_principal.entry(principal).or_default(),
            None => &mut slice.anyone,
        }
    }
}

/// The policies that can apply to a question.
pub(crate) struct Relevant<'a>(Vec<&'a PolicySet>);

/// What they say to one request, and which of them decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Permitted(BTreeSet<String>),
    Forbidden(BTreeSet<String>),
    Nothing,
}

impl<'a> Relevant<'a> {
    pub(crate) fn ask(
        &self,
        authorizer: &Authorizer,
        request: &Request,
        facts: &Facts<'_>,
    ) -> Result<Spoken, PolicyError> {
        let (mut permits, mut forbids) = (BTreeSet::new(), BTreeSet::new());
        for pile in &self.0 {
            let response = authorizer.is_authorized(request, pile, &facts.entities);
            let diagnostics = response.diagnostics();
            if let Some(error) = diagnostics.errors().next() {
                return Err(failed(error));
            }
            // A denial without reasons is that nothing was permitted.
            let said = match response.decision() {
                Decision::Allow => &mut permits,
                Decision::Deny => &mut forbids,
            };
            said.extend(diagnostics.reason().map(PolicyId::to_string));
        }
        Ok(match (forbids.is_empty(), permits.is_empty()) {
            (false, _) => Spoken::Forbidden(forbids),
            (true, false) => Spoken::Permitted(permits),
            (true, true) => Spoken::Nothing,
        })
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|pile| pile.num_of_policies()).sum()
    }

    /// One by one.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &'a Policy> + use<'a, '_> {
        self.0.iter().flat_map(|pile| pile.policies())
    }
}

/// The actions that the head allows: of one that others are in, all that are, and of those the ones that
/// there are for the kind of resource that it names.
pub(crate) fn actions(words: &Words, policy: &Policy) -> Vec<EntityUid> {
    let mut named: Vec<_> = match policy.action_constraint() {
        ActionConstraint::Any => words.actions().cloned().collect(),
        ActionConstraint::Eq(one) => vec![one],
        ActionConstraint::In(several) => {
            let within = several.iter().flat_map(|one| words.within(one));
            within.cloned().collect()
        }
    };
    if let Some(kind) = named_kind(policy) {
        named.retain(|action| *words.resource_of(action) == kind);
    }
    named.sort();
    named.dedup();
    named
}

/// The kind of resource that the head names.
fn named_kind(policy: &Policy) -> Option<EntityTypeName> {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(one) | ResourceConstraint::In(one) => Some(one.type_name().clone()),
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => Some(kind),
        ResourceConstraint::Any => None,
    }
}

/// The one credential or host that the head names. Credentials are in nothing, so of them `in` is `==`.
pub(crate) fn named_resource(policy: &Policy) -> Option<EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(one)
        | ResourceConstraint::In(one)
        | ResourceConstraint::IsIn(_, one) => Some(one),
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
    }
}

/// The one session, user, agent, group or reviewer that the head names.
pub(crate) fn named_principal(policy: &Policy) -> Option<EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Eq(one)
        | PrincipalConstraint::In(one)
        | PrincipalConstraint::IsIn(_, one) => Some(one),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
    }
}

#[cfg(test)]
mod tests;
