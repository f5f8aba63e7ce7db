//! Which policies speak to a question, those that are outdone included.

use cedar_policy::{Effect, EntityUid, Policy, PolicySet, Request};
use valetkey_core::{
    ports::{PolicyError, Voice},
    text::printable,
};

use crate::{
    facts::{Facts, failed},
    rules::Rules,
};

/// Longest `@reason` that is shown, in characters.
const REASON: usize = 300;

/// The policies that apply to one scope under one action. Cedar names only those that decided, so each
/// is asked by itself.
pub(super) fn speaking<'r>(
    rules: &'r Rules,
    facts: &Facts<'_>,
    action: &EntityUid,
    scope: &str,
) -> Result<Vec<&'r Policy>, PolicyError> {
    let request = facts.request(action, facts.context(scope)?)?;
    let relevant = rules.slices.relevant(action, facts);
    let mut speaking = Vec::new();
    for policy in relevant.policies() {
        if applies_alone(rules, policy, &request, facts)? {
            speaking.push(policy);
        }
    }
    Ok(speaking)
}

/// Whether one policy applies to a request.
pub(super) fn applies_alone(
    rules: &Rules,
    policy: &Policy,
    request: &Request,
    facts: &Facts<'_>,
) -> Result<bool, PolicyError> {
    let alone = PolicySet::from_policies([policy.clone()]).map_err(failed)?;
    let response = rules
        .authorizer
        .is_authorized(request, &alone, &facts.entities);
    let diagnostics = response.diagnostics();
    match diagnostics.errors().next() {
        Some(error) => Err(failed(error)),
        None => Ok(diagnostics.reason().next().is_some()),
    }
}

/// A policy as people are shown it.
pub(super) fn voice(policy: &Policy) -> Voice {
    Voice {
        policy: policy.id().to_string(),
        forbids: forbids(policy),
        reason: policy
            .annotation("reason")
            .map(|reason| printable(reason, REASON)),
    }
}

pub(super) fn forbids(policy: &Policy) -> bool {
    policy.effect() == Effect::Forbid
}
