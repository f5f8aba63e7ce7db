//! From text to policies that have a name and fit the schema.

mod hints;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Display,
    sync::LazyLock,
};

use cedar_policy::{
    Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode, ValidationWarning,
    Validator,
};
use miette::Diagnostic;
use valetkey_core::{
    network::HostName,
    ports::PolicyError,
    text::{is_hostile, printable},
};

use self::hints::hint;
use crate::{SCHEMA, facts::failed, files::PolicyFile};

/// Longest name of a policy, in bytes: the ledger keeps it with every decision.
const ID_LIMIT: usize = 128;
/// Longest part of Cedar's own words that a message shows, in characters.
const CEDAR_SAYS: usize = 400;
/// Longest part of a host that a message shows, in characters.
const HOST_SHOWN: usize = 100;

/// One policy of the broker's own making, in Cedar, under an id that no file gives: an `@id` is never
/// empty and a place always holds a `:`.
///
/// # Errors
/// [`PolicyError::Engine`]: it was made wrongly.
pub(crate) fn own(text: &str) -> Result<Policy, PolicyError> {
    let policy: Policy = text.parse().map_err(failed)?;
    Ok(policy.new_id(PolicyId::new("")))
}

/// Of the schema, which is parsed once: that takes longer than most folders do.
static VALIDATOR: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    let parsed = Schema::from_cedarschema_str(SCHEMA);
    let (schema, _warnings) = parsed.map_err(|error| error.to_string())?;
    Ok(Validator::new(schema))
});

/// The policies of `files`, each under the id that its `@id` says or its place in its file.
///
/// # Errors
/// The first thing that is wrong, with file, line and policy.
pub(crate) fn policies(files: &[PolicyFile]) -> Result<Vec<Policy>, PolicyError> {
    let mut all = PolicySet::new();
    let mut homes = HashMap::new();
    for file in files {
        for (policy, line) in parse(file)? {
            let home = Home { file, line };
            if let Some(host) = misspelt_host(&policy) {
                return Err(home.misspelt(policy.id(), &host));
            }
            match homes.entry(policy.id().clone()) {
                Entry::Occupied(first) => return Err(home.taken(policy.id(), first.get())),
                Entry::Vacant(free) => free.insert(home),
            };
            all.add(policy)
                .map_err(|error| PolicyError::Invalid(error.to_string()))?;
        }
    }
    validate(&all, &homes)?;
    Ok(all.policies().cloned().collect())
}

/// Where a policy is written.
struct Home<'a> {
    file: &'a PolicyFile,
    line: usize,
}

impl Home<'_> {
    fn taken(&self, id: &PolicyId, first: &Self) -> PolicyError {
        at(
            self.file,
            self.line,
            format!(
                "the id `{id}` is taken by the policy in line {} of `{}`; give this one an `@id` of its own",
                first.line, first.file.shown
            ),
        )
    }

    /// Nothing would be that host, so a forbid of it would forbid nothing.
    fn misspelt(&self, id: &PolicyId, host: &str) -> PolicyError {
        let host = printable(host, HOST_SHOWN);
        at(
            self.file,
            self.line,
            format!(
                "policy `{id}`: `{host}` is no host as the broker spells one; write a name in lower case \
                 without scheme, port, `*.` and final dot (`in` means everything below it), or an IP \
                 address without brackets"
            ),
        )
    }
}

/// A host that the policy names in another spelling than the one that is compared.
fn misspelt_host(policy: &Policy) -> Option<String> {
    let named = policy.entity_literals().into_iter();
    let hosts = named.filter(|one| one.type_name().to_string() == "Valetkey::Host");
    let mut names = hosts.map(|host| host.id().unescaped().to_owned());
    names.find(|name| HostName::parse(name).map_or(true, |host| host.as_str() != name))
}

fn parse(file: &PolicyFile) -> Result<Vec<(Policy, usize)>, PolicyError> {
    let set: PolicySet = file.text.parse().map_err(|errors| syntax(file, &errors))?;
    if let Some(template) = set.templates().next() {
        return Err(at(
            file,
            line_at(&file.text, place(&file.text, 0, &template.to_cedar())),
            "templates are not used here; write the entity in the place of `?principal` or `?resource`",
        ));
    }
    let mut named = Vec::with_capacity(set.num_of_policies());
    let mut end = 0;
    // Cedar calls the policies of a text `policy0`, `policy1` and so on, and does not say where they are.
    for number in 0..set.num_of_policies() {
        let id = PolicyId::new(format!("policy{number}"));
        let policy = set.policy(&id).ok_or_else(|| {
            PolicyError::Invalid(format!("the policies of `{}` are not counted", file.shown))
        })?;
        let text = policy.to_cedar().unwrap_or_default();
        let start = place(&file.text, end, &text);
        end = start + text.len();
        let line = line_at(&file.text, start);
        named.push((rename(file, policy, line)?, line));
    }
    Ok(named)
}

/// The policy under the id of its `@id`; without one it is called after its place.
fn rename(file: &PolicyFile, policy: &Policy, line: usize) -> Result<Policy, PolicyError> {
    let id = match policy.annotation("id") {
        None => format!("{}:{line}", file.name),
        Some(id) if !id.is_empty() && id.len() <= ID_LIMIT && !id.contains(is_hostile) => {
            id.to_owned()
        }
        Some(_) => {
            return Err(at(
                file,
                line,
                "an `@id` has 1 to 128 bytes and no control characters",
            ));
        }
    };
    Ok(policy.new_id(PolicyId::new(id)))
}

fn validate(all: &PolicySet, homes: &HashMap<PolicyId, Home<'_>>) -> Result<(), PolicyError> {
    let validator = VALIDATOR
        .as_ref()
        .map_err(|error| PolicyError::Invalid(format!("the schema is not valid: {error}")))?;
    let result = validator.validate(all, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| {
        let rank = match error {
            // A name that is not known explains what else is wrong.
            ValidationError::UnrecognizedEntityType(_)
            | ValidationError::UnrecognizedActionId(_) => 0,
            _ => 1,
        };
        (rank, error.policy_id(), error as &dyn Diagnostic)
    });
    // What Cedar only warns of, such as a policy that can never apply or a text that reads otherwise
    // than it compares, is a mistake in a rule that somebody relies on.
    let warnings = result.validation_warnings().map(|warning| {
        let rank = match warning {
            // Why it is impossible says more.
            ValidationWarning::ImpossiblePolicy(_) => 3,
            _ => 2,
        };
        (rank, warning.policy_id(), warning as &dyn Diagnostic)
    });
    let mut found: Vec<_> = errors
        .chain(warnings)
        .filter_map(|(rank, id, error)| {
            let hint = all
                .policy(id)
                .and_then(|policy| hint(policy, &error.to_string()));
            Some((homes.get(id)?, rank, says(id, error, hint)))
        })
        .collect();
    // Cedar checks a policy for each kind of principal and names the errors in no order.
    found.sort_by(|(home, rank, says), (other, other_rank, others)| {
        let place = (&home.file.shown, home.line, rank, says);
        place.cmp(&(&other.file.shown, other.line, other_rank, others))
    });
    match found.first() {
        Some((home, _, says)) => Err(at(
            home.file,
            home.line,
            format!("{says}{}", more(found.len())),
        )),
        None if result.validation_passed_without_warnings() => Ok(()),
        None => Err(PolicyError::Invalid(result.to_string())),
    }
}

fn syntax(file: &PolicyFile, errors: &cedar_policy::ParseErrors) -> PolicyError {
    let line = offset(errors).map_or(1, |offset| line_at(&file.text, offset));
    let text = printable(&errors.to_string(), CEDAR_SAYS);
    at(
        file,
        line,
        format!(
            "this is not a policy: {text}{}",
            more(errors.iter().count())
        ),
    )
}

fn says(id: &PolicyId, error: &dyn Diagnostic, hint: Option<&str>) -> String {
    // Cedar says so in front of some of its sentences.
    let for_policy = format!("for policy `{id}`, ");
    let plain = |text: String| printable(&text.replace(&for_policy, ""), CEDAR_SAYS);
    let text = plain(error.to_string());
    // Cedar guesses by the spelling.
    match (hint, error.help().map(|help| plain(help.to_string()))) {
        (Some(hint), _) => format!("policy `{id}`: {text}; {hint}"),
        (None, Some(help)) => format!("policy `{id}`: {text} ({help})"),
        (None, None) => format!("policy `{id}`: {text}"),
    }
}

fn more(found: usize) -> String {
    match found.saturating_sub(1) {
        0 => String::new(),
        rest => format!(" (and {rest} more)"),
    }
}

fn at(file: &PolicyFile, line: usize, what: impl Display) -> PolicyError {
    PolicyError::Invalid(format!("`{}` line {line}: {what}", file.shown))
}

fn offset(error: &dyn Diagnostic) -> Option<usize> {
    Some(error.labels()?.next()?.offset())
}

/// Where `part` begins in `text`, searched from `start`.
fn place(text: &str, start: usize, part: &str) -> usize {
    let found = text.get(start..).and_then(|rest| rest.find(part));
    found.map_or(start, |offset| start + offset)
}

/// The line of a place in `text`, from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    1 + before.filter(|byte| *byte == b'\n').count()
}
