//! Why a question is answered as it is.

use std::collections::BTreeSet;

use valetkey_core::{
    Credentials, ScopeSet, Tier,
    ports::{Explanation, PolicyError, Question, ScopeExplained},
};

use super::{
    change::change,
    instead::instead,
    voices::{speaking, voice},
};
use crate::{
    facts::{Facts, failed},
    rules::Rules,
};

pub(super) fn explain(
    rules: &Rules,
    question: &Question<'_>,
    credentials: &Credentials,
) -> Result<Explanation, PolicyError> {
    let facts = rules.facts(question)?;
    let scopes = facts
        .scopes()
        .map(|scope| one(rules, &facts, question, scope));
    let scopes: Vec<_> = scopes.collect::<Result<_, _>>()?;
    Ok(Explanation {
        tier: rules.decide(question)?.tier,
        change: change(rules, question, &scopes, credentials)?,
        instead: instead(rules, question, &scopes)?,
        scopes,
    })
}

fn one(
    rules: &Rules,
    facts: &Facts<'_>,
    question: &Question<'_>,
    scope: &str,
) -> Result<ScopeExplained, PolicyError> {
    let verdict = rules.decide(&Question {
        scopes: &only([scope])?,
        ..*question
    })?;
    let mut known = BTreeSet::new();
    let mut voices = Vec::new();
    for (_, action) in rules.words.tiers(facts.asked) {
        let speaking = speaking(rules, facts, action, scope)?;
        let new = speaking
            .into_iter()
            .filter(|policy| known.insert(policy.id()));
        voices.extend(new.map(voice));
    }
    // Those that decided come first.
    voices.sort_by_key(|voice| {
        let outdone = !verdict.policies.contains(&voice.policy);
        (outdone, voice.policy.clone())
    });
    Ok(ScopeExplained {
        scope: scope.to_owned(),
        tier: verdict.tier,
        voices,
    })
}

/// The friction that counts: the configuration may ask for more than the policies do.
pub(super) fn tier(rules: &Rules, question: &Question<'_>) -> Result<Tier, PolicyError> {
    let verdict = rules.decide(question)?;
    Ok(verdict.tier.max(question.credential.min_tier))
}

/// Scopes of a credential; the empty one, which stands for none, is left out.
pub(super) fn only<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Result<ScopeSet, PolicyError> {
    ScopeSet::parse(scopes).map_err(failed)
}
