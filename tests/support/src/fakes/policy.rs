//! A dumb fake of the policy port: lists of what is permitted and forbidden, whoever asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use valetkey_core::{
    Approver, Risk, SourceKind, Tier,
    ports::{ApproverQuestion, Consent, Policy, PolicyError, PolicySummary, Question, Verdict},
};

/// Policies in memory. Policies are called after what they are about, such as `permit api read`.
pub struct FakePolicy {
    in_force: Mutex<Rules>,
    next: Mutex<Result<Rules, PolicyError>>,
}

/// A credential and a scope of it.
type Pair = (String, String);

/// What a [`FakePolicy`] goes by.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    permit: Vec<(Tier, Pair)>,
    forbid: Vec<Pair>,
    /// Whether whoever asks may approve, besides those of `approve`.
    requester: bool,
    approve: Vec<(Who, String)>,
    /// Of the network, by scope and URL.
    network: Vec<(Tier, Pair)>,
    failing: bool,
}

/// Somebody who may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The person with this subject.
    Subject(String),
    /// Whoever is in this group.
    Group(String),
    /// The reviewer of this name, where it finds the risk no greater than this; any or none, where
    /// there is no limit.
    Reviewer(String, Option<Risk>),
}

impl Rules {
    /// These credentials with these scopes are permitted at once; all else is not. Whoever asks may
    /// approve.
    pub fn permit(pairs: &[(&str, &str)]) -> Self {
        let rules = Self {
            requester: true,
            ..Self::default()
        };
        rules.and(Tier::Auto, pairs)
    }

    /// And these after a review.
    #[must_use]
    pub fn review(self, pairs: &[(&str, &str)]) -> Self {
        self.and(Tier::Review, pairs)
    }

    /// And these after a person's approval.
    #[must_use]
    pub fn human(self, pairs: &[(&str, &str)]) -> Self {
        self.and(Tier::Human, pairs)
    }

    /// And these with this friction.
    #[must_use]
    pub fn and(mut self, tier: Tier, pairs: &[(&str, &str)]) -> Self {
        let pairs = owned(pairs).into_iter();
        self.permit.extend(pairs.map(|pair| (tier, pair)));
        self
    }

    /// And these are forbidden.
    #[must_use]
    pub fn forbid(self, pairs: &[(&str, &str)]) -> Self {
        Self {
            forbid: owned(pairs),
            ..self
        }
    }

    /// And this leave to use the network is given with this friction, or forbidden: `connect` or a method,
    /// and exactly this origin or URL. [`Self::permit`] and its kind, of the credential `network`, give it
    /// for every URL.
    #[must_use]
    pub fn network(mut self, tier: Tier, scope: &str, url: &str) -> Self {
        let leave = (scope.to_owned(), url.to_owned());
        self.network.push((tier, leave));
        self
    }

    /// And they may approve of this credential.
    #[must_use]
    pub fn approver(mut self, who: Who, credential: &str) -> Self {
        self.approve.push((who, credential.to_owned()));
        self
    }

    /// And whoever asks may not approve, unless they are named as approver.
    #[must_use]
    pub fn not_the_requester(self) -> Self {
        Self {
            requester: false,
            ..self
        }
    }

    /// Every question fails.
    pub fn failing() -> Self {
        Self {
            failing: true,
            ..Self::default()
        }
    }

    /// The friction of leave to use the network, and what decided.
    fn leave(&self, question: &Question<'_>) -> Verdict {
        let mut scopes = question.scopes.iter();
        let (Some(scope), None) = (scopes.next(), scopes.next()) else {
            return denied();
        };
        let asked = (scope.to_owned(), question.audience.as_str().to_owned());
        let listed = self.network.iter().filter(|(_, leave)| *leave == asked);
        let anywhere = (question.credential.name.to_string(), scope.to_owned());
        let tiers: Vec<_> = listed.map(|(tier, _)| *tier).collect();
        let (tier, what) = if self.forbid.contains(&anywhere) || tiers.contains(&Tier::Deny) {
            (Tier::Deny, "forbid")
        } else {
            let tiers = tiers.into_iter().chain([self.tier_of(&anywhere)]);
            (tiers.min().unwrap_or(Tier::Deny), "permit")
        };
        if (tier, what) == (Tier::Deny, "permit") {
            return denied();
        }
        Verdict {
            tier,
            policies: vec![format!("{what} network {} {}", asked.0, asked.1)],
        }
    }

    /// The least friction that one scope meets.
    fn tier_of(&self, pair: &Pair) -> Tier {
        if self.forbid.contains(pair) {
            return Tier::Deny;
        }
        let permits = self
            .permit
            .iter()
            .filter(|(_, permitted)| permitted == pair);
        permits.map(|(tier, _)| *tier).min().unwrap_or(Tier::Deny)
    }
}

impl FakePolicy {
    /// With these rules in force.
    pub fn new(rules: Rules) -> Self {
        Self {
            in_force: Mutex::new(rules.clone()),
            next: Mutex::new(Ok(rules)),
        }
    }

    /// What the next reload brings.
    pub fn write(&self, next: Result<Rules, PolicyError>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn in_force(&self) -> MutexGuard<'_, Rules> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rules, where they can be evaluated.
    fn rules(&self) -> Result<MutexGuard<'_, Rules>, PolicyError> {
        let rules = self.in_force();
        if rules.failing {
            return Err(PolicyError::Engine("told to fail".to_owned()));
        }
        Ok(rules)
    }
}

impl Policy for FakePolicy {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        let rules = self.rules()?;
        if question.credential.source == SourceKind::Network {
            return Ok(rules.leave(question));
        }
        let credential = question.credential.name.as_str();
        let asked: Vec<_> = question
            .scopes
            .iter()
            .map(|scope| (credential.to_owned(), scope.to_owned()))
            .collect();
        let tier = asked.iter().map(|pair| rules.tier_of(pair)).max();
        let tier = tier.unwrap_or(Tier::Deny);
        let word = match tier {
            Tier::Auto => "permit",
            Tier::Review => "review",
            Tier::Human => "human",
            Tier::Deny => "forbid",
        };
        let decisive = asked.iter().filter(|pair| match tier {
            Tier::Deny => rules.forbid.contains(pair),
            tier => rules.tier_of(pair) == tier,
        });
        Ok(Verdict {
            tier,
            policies: decisive.map(|(c, s)| format!("{word} {c} {s}")).collect(),
        })
    }

    fn may_approve(&self, question: &ApproverQuestion<'_>) -> Result<Consent, PolicyError> {
        let rules = self.rules()?;
        let credential = question.credential.name.as_str();
        let listed = rules.approve.iter();
        let listed = listed.filter(|(who, of)| of == credential && who.is(question));
        let mut by: Vec<_> = listed.map(|(who, of)| format!("{who:?} {of}")).collect();
        if let Approver::Person { user } = question.approver
            && rules.requester
            && user.id == *question.requester
        {
            by.push("whoever asks".to_owned());
        }
        Ok(if by.is_empty() {
            Consent::MayNot(by)
        } else {
            Consent::May(by)
        })
    }

    fn summary(&self) -> PolicySummary {
        summary(&self.in_force())
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        match &*next {
            Ok(rules) => {
                *self.in_force() = rules.clone();
                Ok(summary(rules))
            }
            Err(error) => Err(PolicyError::Invalid(error.to_string())),
        }
    }
}

impl Who {
    fn is(&self, question: &ApproverQuestion<'_>) -> bool {
        match (self, question.approver) {
            (Self::Subject(subject), Approver::Person { user }) => user.id.subject == *subject,
            (Self::Group(group), Approver::Person { user }) => user.groups.contains(group),
            (Self::Reviewer(name, limit), Approver::Reviewer { name: theirs }) => {
                let within = |limit: Risk| question.risk.is_some_and(|risk| risk <= limit);
                name == theirs && limit.is_none_or(within)
            }
            _ => false,
        }
    }
}

const fn denied() -> Verdict {
    Verdict {
        tier: Tier::Deny,
        policies: Vec::new(),
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<Pair> {
    let pairs = pairs.iter();
    pairs
        .map(|(credential, scope)| ((*credential).to_owned(), (*scope).to_owned()))
        .collect()
}

fn summary(rules: &Rules) -> PolicySummary {
    PolicySummary {
        digest: format!("{rules:?}"),
        policies: (rules.permit.len()
            + rules.forbid.len()
            + rules.approve.len()
            + rules.network.len()) as u64,
        origin: "the test".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::ports::{Policy, PolicyError};

    use super::{FakePolicy, Rules, Who};
    use crate::contracts::policy::{self, Bench, Written, suite};

    struct FakeBench(FakePolicy);

    impl Bench for FakeBench {
        fn new(written: &Written) -> Self {
            let fake = FakePolicy::new(Rules::default());
            fake.write(rules(written));
            fake.reload().expect("good rules");
            Self(fake)
        }

        fn policy(&self) -> &dyn Policy {
            &self.0
        }

        fn write(&self, written: &Written) {
            self.0.write(rules(written));
        }
    }

    fn rules(written: &Written) -> Result<Rules, PolicyError> {
        let written = match written {
            Written::Rules(written) => written,
            Written::Failing => return Ok(Rules::failing()),
            Written::Broken => return Err(PolicyError::Invalid("not a policy".to_owned())),
        };
        let mut rules = Rules::default().forbid(written.forbid);
        for (tier, pair) in written.permit {
            rules = rules.and(*tier, &[*pair]);
        }
        for (who, credential) in written.approve {
            let who = match *who {
                policy::Who::Person(subject) => Who::Subject(subject.to_owned()),
                policy::Who::Reviewer(name) => Who::Reviewer(name.to_owned(), None),
            };
            rules = rules.approver(who, credential);
        }
        for (tier, (scope, url)) in written.network {
            rules = rules.network(*tier, scope, url);
        }
        Ok(rules)
    }

    #[test]
    fn the_fake_keeps_the_contract() {
        suite::<FakeBench>();
    }
}
