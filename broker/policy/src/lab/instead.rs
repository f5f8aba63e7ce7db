//! What could be asked for instead, with less friction.

use valetkey_core::{
    SourceKind, Tier,
    ports::{PolicyError, Question, ScopeExplained},
};

use super::explain::{only, tier};
use crate::rules::Rules;

/// A sentence each.
pub(super) fn instead(
    rules: &Rules,
    question: &Question<'_>,
    scopes: &[ScopeExplained],
) -> Result<Vec<String>, PolicyError> {
    let now = tier(rules, question)?;
    let mut found = Vec::new();
    found.extend(shorter(rules, question, now)?);
    if question.credential.source == SourceKind::Network {
        // There is no list of what else there is in the world.
        return Ok(found);
    }
    found.extend(fewer(question, scopes, now));
    found.extend(other_scopes(rules, question, now)?);
    found.extend(other_audiences(rules, question, now)?);
    Ok(found)
}

/// A lifetime with the friction of one second, by bisection: with a second more it has another.
fn shorter(
    rules: &Rules,
    question: &Question<'_>,
    now: Tier,
) -> Result<Option<String>, PolicyError> {
    let with = |lifetime| {
        tier(
            rules,
            &Question {
                lifetime,
                ..*question
            },
        )
    };
    let least = with(1)?;
    if least >= now {
        return Ok(None);
    }
    let (mut enough, mut too_long) = (1, question.lifetime);
    while too_long - enough > 1 {
        let middle = enough.midpoint(too_long);
        if with(middle)? <= least {
            enough = middle;
        } else {
            too_long = middle;
        }
    }
    Ok(Some(format!("for {enough} s the tier is `{}`", least.id())))
}

/// Those of the scopes that have less friction.
fn fewer(question: &Question<'_>, scopes: &[ScopeExplained], now: Tier) -> Option<String> {
    let floor = question.credential.min_tier;
    let less = |scope: &&ScopeExplained| scope.tier.max(floor) < now;
    let easy: Vec<_> = scopes.iter().filter(less).collect();
    let most = easy.iter().map(|scope| scope.tier.max(floor)).max()?;
    let names: Vec<_> = easy.iter().map(|scope| scope.scope.as_str()).collect();
    Some(format!(
        "for `{}` without the rest the tier is `{}`",
        names.join(" "),
        most.id()
    ))
}

/// Other scopes of the credential, where all that are asked for are in the way.
fn other_scopes(
    rules: &Rules,
    question: &Question<'_>,
    now: Tier,
) -> Result<Option<String>, PolicyError> {
    let mut easy = Vec::new();
    for scope in question.credential.scopes.iter() {
        let scopes = only([scope])?;
        let other = Question {
            scopes: &scopes,
            ..*question
        };
        let tier = tier(rules, &other)?;
        if tier < now && !scopes.within(question.scopes) {
            easy.push(format!("`{scope}` (`{}`)", tier.id()));
        }
    }
    let list = easy.join(", ");
    Ok((!easy.is_empty()).then(|| format!("other scopes of the credential have less: {list}")))
}

fn other_audiences(
    rules: &Rules,
    question: &Question<'_>,
    now: Tier,
) -> Result<Option<String>, PolicyError> {
    let mut easy = Vec::new();
    for audience in question.credential.audiences.iter() {
        let other = Question {
            audience,
            ..*question
        };
        let tier = tier(rules, &other)?;
        if tier < now && audience != question.audience {
            easy.push(format!("{audience} (`{}`)", tier.id()));
        }
    }
    let list = easy.join(", ");
    Ok((!easy.is_empty()).then(|| format!("other audiences have less: {list}")))
}
