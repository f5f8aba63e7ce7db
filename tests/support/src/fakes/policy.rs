//! A dumb fake of the policy port: lists of what is permitted and forbidden, whoever asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use valetkey_core::ports::{Policy, PolicyError, PolicySummary, Question, Tier, Verdict};

/// Policies in memory. Policies are called after what they are about, such as `permit api read`.
pub struct FakePolicy {
    in_force: Mutex<Rules>,
    next: Mutex<Result<Rules, PolicyError>>,
}

/// What a [`FakePolicy`] goes by.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    permit: Vec<(String, String)>,
    forbid: Vec<(String, String)>,
    failing: bool,
}

impl Rules {
    /// These credentials with these scopes are permitted, all else is not.
    pub fn permit(pairs: &[(&str, &str)]) -> Self {
        Self {
            permit: owned(pairs),
            ..Self::default()
        }
    }

    /// And these are forbidden.
    #[must_use]
    pub fn forbid(self, pairs: &[(&str, &str)]) -> Self {
        Self {
            forbid: owned(pairs),
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
}

impl Policy for FakePolicy {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        let rules = self.in_force();
        if rules.failing {
            return Err(PolicyError::Engine("told to fail".to_owned()));
        }
        let credential = question.credential.name.as_str();
        let asked: Vec<_> = question
            .scopes
            .iter()
            .map(|scope| (credential.to_owned(), scope.to_owned()))
            .collect();
        let forbidden: Vec<_> = asked.iter().filter(|p| rules.forbid.contains(p)).collect();
        let permitted = asked.iter().all(|pair| rules.permit.contains(pair));
        Ok(match (forbidden.is_empty(), permitted) {
            (false, _) => verdict(Tier::Deny, "forbid", forbidden),
            (true, true) => verdict(Tier::Auto, "permit", asked.iter().collect()),
            (true, false) => verdict(Tier::Deny, "", Vec::new()),
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

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(credential, scope)| ((*credential).to_owned(), (*scope).to_owned()))
        .collect()
}

fn verdict(tier: Tier, word: &str, pairs: Vec<&(String, String)>) -> Verdict {
    let names = pairs.into_iter().map(|(c, s)| format!("{word} {c} {s}"));
    Verdict {
        tier,
        policies: names.collect(),
    }
}

fn summary(rules: &Rules) -> PolicySummary {
    PolicySummary {
        digest: format!("{rules:?}"),
        policies: (rules.permit.len() + rules.forbid.len()) as u64,
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::ports::{Policy, PolicyError};

    use super::{FakePolicy, Rules};
    use crate::contracts::policy::{Bench, Written, suite};

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
        match written {
            Written::Rules { permit, forbid } => Ok(Rules::permit(permit).forbid(forbid)),
            Written::Failing => Ok(Rules::failing()),
            Written::Broken => Err(PolicyError::Invalid("not a policy".to_owned())),
        }
    }

    #[test]
    fn the_fake_keeps_the_contract() {
        suite::<FakeBench>();
    }
}
