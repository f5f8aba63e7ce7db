//! The one rule that would lessen the friction of a question, and what else it would do.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Expression};
use valetkey_core::{
    Credentials, SourceKind, Tier,
    network::Target,
    ports::{Change, PolicyError, Question, ScopeExplained},
};

use super::reach::reach;
use crate::{facts::target, parse, rules::Rules, words::uid};

/// Found by trying: a forbid is named where the friction is less without it, a permit where it is less
/// with it.
pub(super) fn change(
    rules: &Rules,
    question: &Question<'_>,
    scopes: &[ScopeExplained],
    credentials: &Credentials,
) -> Result<Option<Change>, PolicyError> {
    let tier = rules.decide(question)?.tier;
    let floor = question.credential.min_tier;
    if tier == Tier::Auto && floor == Tier::Auto {
        return Ok(None);
    }
    if tier <= floor {
        let what = format!(
            "the configuration gives `{}` with the tier `{}` at the least; no policy lessens that",
            question.credential.name,
            floor.id()
        );
        return Ok(Some(words_only(what)));
    }
    // The scopes with less friction are not in the way.
    let stuck: Vec<_> = scopes.iter().filter(|scope| scope.tier == tier).collect();
    if let Some(change) = without_a_forbid(rules, question, tier, &stuck, credentials)? {
        return Ok(Some(change));
    }
    if let Some(change) = with_a_permit(rules, question, tier, &stuck, credentials)? {
        return Ok(Some(change));
    }
    Ok(Some(words_only(no_one_rule(&stuck))))
}

fn without_a_forbid(
    rules: &Rules,
    question: &Question<'_>,
    tier: Tier,
    stuck: &[&ScopeExplained],
    credentials: &Credentials,
) -> Result<Option<Change>, PolicyError> {
    for forbid in forbids(stuck) {
        let changed = rules.without(forbid)?;
        let would_be = changed.decide(question)?.tier;
        if would_be < tier {
            return Ok(Some(Change {
                what: format!(
                    "only `{forbid}` stands in the way: without it the tier is `{}`",
                    would_be.max(question.credential.min_tier).id()
                ),
                rule: None,
                also: reach(rules, &changed, question, credentials)?,
            }));
        }
    }
    Ok(None)
}

/// Tries one step down first: it gives away the least.
fn with_a_permit(
    rules: &Rules,
    question: &Question<'_>,
    tier: Tier,
    stuck: &[&ScopeExplained],
    credentials: &Credentials,
) -> Result<Option<Change>, PolicyError> {
    let asked = rules.facts(question)?.asked;
    let less = rules.words.tiers(asked).iter().rev();
    for (_, action) in less.filter(|(less, _)| *less < tier) {
        let rule = narrowest(rules, question, action, stuck)?;
        let changed = rules.with(parse::own(&rule)?)?;
        let would_be = changed.decide(question)?.tier;
        if would_be < tier {
            return Ok(Some(Change {
                what: format!(
                    "this rule, added to the policies, makes the tier `{}`",
                    would_be.max(question.credential.min_tier).id()
                ),
                also: reach(rules, &changed, question, credentials)?,
                rule: Some(rule),
            }));
        }
    }
    Ok(None)
}

/// A permit for this user with this agent, and for no more than what is asked. Not for this one session:
/// nobody writes a rule for that.
fn narrowest(
    rules: &Rules,
    question: &Question<'_>,
    action: &EntityUid,
    stuck: &[&ScopeExplained],
) -> Result<String, PolicyError> {
    let user = rules.words.person(&question.session.user.id)?;
    let (resource, what) = match target(question) {
        Some(target) if question.credential.source == SourceKind::Network => {
            let host = target.origin().endpoint.host.as_str();
            (uid(&rules.words.host, host), leave(question, &target))
        }
        _ => {
            let name = question.credential.name.as_str();
            (uid(&rules.words.credential, name), token(question, stuck))
        }
    };
    Ok(format!(
        "permit (
  principal in {user},
  action == {action},
  resource == {resource}
)
when
{{
  principal.agent == {agent} &&
  {what} &&
  context.lifetimeSeconds <= {lifetime}
}};",
        agent = text(question.session.agent.as_str()),
        lifetime = question.lifetime,
    ))
}

/// The scopes and the audience of a token.
fn token(question: &Question<'_>, stuck: &[&ScopeExplained]) -> String {
    let scopes: Vec<_> = stuck.iter().map(|stuck| text(&stuck.scope)).collect();
    let scope = match &scopes[..] {
        [one] => format!("context.scope == {one}"),
        several => format!("[{}].contains(context.scope)", several.join(", ")),
    };
    let audience = text(question.audience.as_str());
    format!("{scope} &&\n  context.audience == {audience}")
}

/// The profile, the port and the scheme, and of a request its method and path.
fn leave(question: &Question<'_>, target: &Target) -> String {
    let profile = question.session.profile.as_ref();
    let profile = text(profile.map_or("", |profile| profile.as_str()));
    let origin = target.origin();
    let (port, scheme) = (origin.endpoint.port, text(origin.scheme.id()));
    let sent = match target {
        Target::Connect(_) => String::new(),
        Target::Request { method, path, .. } => {
            let (method, path) = (text(method), text(path));
            format!(" &&\n  context.method == {method} &&\n  context.path == {path}")
        }
    };
    format!(
        "principal.profile == {profile} &&
  context.port == {port} &&
  context.scheme == {scheme}{sent}"
    )
}

fn no_one_rule(stuck: &[&ScopeExplained]) -> String {
    let forbids: Vec<_> = forbids(stuck).into_iter().collect();
    match &forbids[..] {
        [] => "no one rule does it".to_owned(),
        [one] => format!(
            "no one rule does it: `{one}` forbids it, and nothing would permit it without that either"
        ),
        several => format!(
            "no one rule does it: `{}` forbid it together",
            several.join("` and `")
        ),
    }
}

fn forbids<'a>(stuck: &[&'a ScopeExplained]) -> BTreeSet<&'a str> {
    let voices = stuck.iter().flat_map(|scope| &scope.voices);
    let forbids = voices.filter(|voice| voice.forbids);
    forbids.map(|voice| voice.policy.as_str()).collect()
}

const fn words_only(what: String) -> Change {
    Change {
        what,
        rule: None,
        also: Vec::new(),
    }
}

/// A string as Cedar writes it.
fn text(text: &str) -> String {
    Expression::new_string(text.to_owned()).to_string()
}
