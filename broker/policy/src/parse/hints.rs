//! What somebody probably meant whose policy does not fit the schema.

use cedar_policy::{ActionConstraint, Policy, ResourceConstraint};

/// What to write, where Cedar's words lead elsewhere.
pub(super) fn hint(policy: &Policy, says: &str) -> Option<&'static str> {
    kinds(policy, says).or_else(|| of_requests(says))
}

/// A rule about reaching a host that speaks of what only a request has.
fn of_requests(says: &str) -> Option<&'static str> {
    let missing = says.contains(" not found") && says.contains("Action::\"connect");
    let words = ["`method`", "`path`", "`plain`", "`safe`"];
    (missing && words.iter().any(|word| says.contains(word)))
        .then_some("only requests have that: for them write `action in Valetkey::Action::\"send\"`")
}

/// What a rule about everything forgot, where it speaks of what only tokens or only hosts have.
fn kinds(policy: &Policy, says: &str) -> Option<&'static str> {
    let everything = policy.resource_constraint() == ResourceConstraint::Any
        && policy.action_constraint() == ActionConstraint::Any;
    if !everything {
        return None;
    }
    let missing_of = |words: [&str; 3]| {
        says.contains(" not found") && words.iter().any(|word| says.contains(word))
    };
    if missing_of(["`Valetkey::Host`", "Action::\"connect", "Action::\"request"]) {
        Some(
            "a rule with open action and resource is about hosts too: for tokens write `resource is Valetkey::Credential`",
        )
    } else if missing_of([
        "`Valetkey::Credential`",
        "Action::\"grant",
        "Action::\"approve",
    ]) {
        Some(
            "a rule with open action and resource is about tokens too: for hosts write `resource is Valetkey::Host`",
        )
    } else {
        None
    }
}
