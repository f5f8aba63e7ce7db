//! Rules that do nothing, found by asking.
//!
//! For each rule, requests are made up that its head can apply to, out of what it names, what each other
//! rule names, and what the configuration has (`universe`). A rule is idle if it never applied, or if
//! every answer was the same without it. That is a search, not a proof: it says nothing of requests that
//! were not made up, so a rule is called idle only where its search came to its end. Each is looked at
//! by itself: of two rules that say the same, both are idle, and one of them has to stay.

mod literals;
mod network;
mod probe;
mod universe;

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityUid, Policy};
use valetkey_core::{
    Credentials, Tier,
    ports::{IdleRule, PolicyError},
};

pub(super) use self::literals::Literals;
use self::{
    probe::{Kind, MAY_NOT, Outcome, Probe, probes},
    universe::Universe,
};
use super::voices::{applies_alone, forbids};
use crate::{
    facts::Facts,
    rules::Rules,
    slices::{actions, named_resource},
};

/// Most requests that are made up in all.
const REQUESTS: u64 = 20_000;
/// Most times that a policy is evaluated, about a second's worth.
const EVALUATIONS: u64 = 1_000_000;
/// Most requests about one rule and one other.
const OF_TWO: u64 = 500;
/// Most requests about one rule and all others that may meet it.
const OF_ALL: u64 = 2_000;
/// Most rules that are named in the place of one.
const NAMED: usize = 3;

/// The idle rules, and how many requests were made up to find them.
pub(super) fn find(
    rules: &Rules,
    credentials: &Credentials,
) -> Result<(Vec<IdleRule>, u64), PolicyError> {
    let mut literals = Vec::with_capacity(rules.policies.len());
    for policy in &rules.policies {
        literals.push((policy, Literals::of(policy)?));
    }
    let mut without = rules.clone();
    let (mut idle, mut effort) = (Vec::new(), Effort::default());
    for (policy, own) in &literals {
        without.slices.remove(&rules.words, policy)?;
        let mut search = Search {
            rules,
            policy,
            actions: actions(&rules.words, policy),
            without: &without,
            instead: BTreeMap::new(),
            matters: false,
        };
        let done = search.run(own, &literals, credentials, &mut effort)?;
        if done && let Some(why) = search.idle() {
            idle.push(IdleRule {
                policy: policy.id().to_string(),
                why,
            });
        }
        without.slices.add(&rules.words, policy)?;
    }
    Ok((idle, effort.requests))
}

/// What the search has cost.
#[derive(Default)]
struct Effort {
    requests: u64,
    evaluations: u64,
}

impl Effort {
    const fn spent(&self) -> bool {
        self.requests >= REQUESTS || self.evaluations >= EVALUATIONS
    }
}

/// The search for one request that would be answered otherwise without the rule.
struct Search<'a> {
    rules: &'a Rules,
    policy: &'a Policy,
    actions: Vec<EntityUid>,
    without: &'a Rules,
    /// What came of the requests that it applied to, and who decided them in its place.
    instead: BTreeMap<&'static str, BTreeSet<Vec<String>>>,
    matters: bool,
}

impl Search<'_> {
    /// Whether the search came to its end.
    fn run(
        &mut self,
        own: &Literals,
        all: &[(&Policy, Literals)],
        credentials: &Credentials,
        effort: &mut Effort,
    ) -> Result<bool, PolicyError> {
        // What matters by itself is found at once.
        if self.step(own, credentials, OF_TWO, effort)? {
            return Ok(true);
        }
        let mut together = own.clone();
        for (other, theirs) in all {
            if !self.meets(other) {
                continue;
            }
            let mut two = own.clone();
            two.add(theirs);
            together.add(theirs);
            if self.step(&two, credentials, OF_TWO, effort)? {
                return Ok(true);
            }
            if effort.spent() {
                return Ok(false);
            }
        }
        self.step(&together, credentials, OF_ALL, effort)?;
        Ok(!effort.spent())
    }

    /// Whether some request of that universe shows that the rule matters.
    fn step(
        &mut self,
        literals: &Literals,
        credentials: &Credentials,
        limit: u64,
        effort: &mut Effort,
    ) -> Result<bool, PolicyError> {
        let universe = Universe::new(self.policy, literals, credentials);
        for kind in Kind::ALL {
            if !self.is_about(kind) {
                continue;
            }
            for probe in probes(&universe, kind, limit) {
                if effort.spent() {
                    return Ok(false);
                }
                effort.requests += 1;
                self.look(&probe?, kind, effort)?;
                if self.matters {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether some request can meet both, at whatever tier: a forbid at one is what makes the permit at
    /// the next matter.
    fn meets(&self, other: &Policy) -> bool {
        let words = &self.rules.words;
        let theirs = actions(words, other);
        let both = |kind: &Kind| {
            let about = |actions: &[EntityUid]| actions.iter().any(|one| kind.asks(words, one));
            about(&self.actions) && about(&theirs)
        };
        let apart = |ours, theirs| matches!((ours, theirs), (Some(a), Some(b)) if !nested(&a, &b));
        other.id() != self.policy.id()
            && Kind::ALL.iter().any(both)
            && !apart(named_resource(self.policy), named_resource(other))
    }

    fn is_about(&self, kind: Kind) -> bool {
        self.actions
            .iter()
            .any(|action| kind.asks(&self.rules.words, action))
    }

    fn look(&mut self, probe: &Probe, kind: Kind, effort: &mut Effort) -> Result<(), PolicyError> {
        let facts = probe.facts(self.rules)?;
        if !self.applies(&facts, kind, effort)? {
            return Ok(());
        }
        // A rule that makes the question fail does something, though nothing good.
        let (Ok(with), Ok(without)) = (
            probe.outcome(self.rules, &facts),
            probe.outcome(self.without, &facts),
        ) else {
            self.matters = true;
            return Ok(());
        };
        if with.what == without.what {
            let Outcome { what, by } = without;
            self.instead.entry(what).or_default().insert(by);
        } else {
            self.matters = true;
        }
        Ok(())
    }

    fn applies(
        &self,
        facts: &Facts<'_>,
        kind: Kind,
        effort: &mut Effort,
    ) -> Result<bool, PolicyError> {
        let words = &self.rules.words;
        for action in self.actions.iter().filter(|one| kind.asks(words, one)) {
            for scope in facts.scopes() {
                let request = facts.request(action, facts.context(scope)?)?;
                match applies_alone(self.rules, self.policy, &request, facts) {
                    Ok(false) => {}
                    // What fails is looked at as what applies is.
                    Ok(true) | Err(_) => {
                        let all = self.rules.slices.relevant(action, facts).count();
                        // With it and without it.
                        effort.evaluations += 2 * all as u64;
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Why it is idle.
    fn idle(&self) -> Option<String> {
        if self.matters {
            return None;
        }
        if self.instead.is_empty() {
            return Some("it applied to no request".to_owned());
        }
        // Where a permit is outdone in some requests and needless in the others, the latter says more.
        let given = |what: &str| what != Tier::Deny.id() && what != MAY_NOT;
        let somewhere = self.instead.keys().any(|what| given(what));
        let stand_ins = self.instead.iter();
        let stand_ins: Vec<_> = stand_ins
            .filter(|(what, _)| given(what) == somewhere)
            .flat_map(|(_, each)| each)
            .collect();
        // One that decided every time is enough of an answer.
        let all: BTreeSet<_> = stand_ins.iter().copied().flatten().collect();
        let always = all
            .iter()
            .filter(|id| stand_ins.iter().all(|by| by.contains(**id)));
        let always: Vec<_> = always.collect();
        let named = if always.is_empty() {
            all.iter().take(NAMED).collect()
        } else {
            always
        };
        let named: Vec<_> = named.into_iter().map(|id| id.as_str()).collect();
        Some(match &named[..] {
            [] if forbids(self.policy) => {
                "where it applies nothing is permitted without it either".to_owned()
            }
            [] => "where it applies nothing is permitted with it either".to_owned(),
            named => format!(
                "the answer is the same without it, by `{}`",
                named.join("`, `")
            ),
        })
    }
}

/// Whether something can be both: they are the same, or one is a host in the other.
fn nested(one: &EntityUid, other: &EntityUid) -> bool {
    let within = |one: &EntityUid, other: &EntityUid| {
        let rest = one.id().unescaped().strip_suffix(other.id().unescaped());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    one.type_name() == other.type_name() && (within(one, other) || within(other, one))
}

#[cfg(test)]
mod tests;
