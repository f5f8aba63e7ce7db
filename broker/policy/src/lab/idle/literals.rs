//! What a policy compares things with, read from its tree.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityUid, Policy};
use serde_json::Value;
use valetkey_core::ports::PolicyError;

use crate::facts::failed;

/// Most patterns that are crossed with each other.
const CROSSED: usize = 30;
/// What stands where any text may.
const ANY: &str = "x";

/// Texts with room for any text between them, as in Cedar's `like`. One text is that text alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    pub(super) fn text(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }

    fn filled(&self, filling: &str) -> String {
        self.0.join(filling)
    }

    fn literal(&self) -> String {
        self.0.concat()
    }

    fn is_text(&self) -> bool {
        self.0.len() == 1
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, between @ .., last] = &self.0[..] else {
            return self.0.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in between {
            match rest.split_once(part.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// What some policies name.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Literals {
    /// What attributes are compared with, by the attribute's name.
    texts: BTreeMap<String, BTreeSet<Pattern>>,
    /// Numbers that attributes are compared with, by the attribute's name.
    longs: BTreeMap<String, BTreeSet<i64>>,
    /// Attributes that are spoken of.
    attributes: BTreeSet<String>,
    /// Entities that are named, by type and id.
    entities: BTreeSet<(String, String)>,
}

impl Literals {
    pub(in crate::lab) fn of(policy: &Policy) -> Result<Self, PolicyError> {
        let mut literals = Self::default();
        literals.walk(&policy.to_json().map_err(failed)?);
        let entities = policy.entity_literals().into_iter().map(typed);
        literals.entities.extend(entities);
        Ok(literals)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (name, patterns) in &other.texts {
            let known = self.texts.entry(name.clone()).or_default();
            known.extend(patterns.iter().cloned());
        }
        for (name, longs) in &other.longs {
            let known = self.longs.entry(name.clone()).or_default();
            known.extend(longs);
        }
        self.attributes.extend(other.attributes.iter().cloned());
        self.entities.extend(other.entities.iter().cloned());
    }

    /// Whether any policy speaks of the attribute.
    pub(super) fn speak_of(&self, attribute: &str) -> bool {
        self.attributes.contains(attribute)
    }

    /// Each number that an attribute is compared with, one less and one more.
    pub(super) fn around(&self, attribute: &str) -> impl Iterator<Item = u64> {
        let longs = self.longs.get(attribute).into_iter().flatten();
        let longs = longs.filter_map(|long| u64::try_from(*long).ok());
        longs.flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)])
    }

    /// The ids of the entities of a type that are named.
    pub(in crate::lab) fn named(&self, kind: &str) -> impl Iterator<Item = &str> {
        let entities = self.entities.iter();
        entities
            .filter(move |(of, _)| of == kind)
            .map(|(_, id)| id.as_str())
    }

    /// The texts that an attribute is compared with, whole ones.
    pub(in crate::lab) fn said(&self, attribute: &str) -> impl Iterator<Item = &str> {
        let patterns = self.texts.get(attribute).into_iter().flatten();
        patterns.filter_map(|pattern| match &pattern.0[..] {
            [text] => Some(text.as_str()),
            _ => None,
        })
    }

    /// Texts for an attribute, no two of which the policies can tell apart: some that match each pattern
    /// and each two of them, those of `more`, and one that matches none.
    pub(super) fn values<'a>(
        &'a self,
        attribute: &str,
        more: impl IntoIterator<Item = &'a str>,
        none: &'a str,
    ) -> Vec<String> {
        let empty = BTreeSet::new();
        let mut patterns: Vec<_> = self.texts.get(attribute).unwrap_or(&empty).iter().collect();
        let more: Vec<_> = more.into_iter().collect();
        patterns.truncate(CROSSED);
        let mut values = Vec::new();
        for pattern in &patterns {
            values.push(pattern.filled(ANY));
            let others = patterns.iter().filter(|_| !pattern.is_text());
            values.extend(others.map(|other| pattern.filled(&other.literal())));
        }
        values.extend([none].into_iter().chain(more).map(str::to_owned));
        let mut seen = BTreeSet::new();
        values.retain(|value| {
            let matched: Vec<_> = patterns.iter().map(|p| p.matches(value)).collect();
            seen.insert(matched)
        });
        values
    }

    fn walk(&mut self, node: &Value) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                for body in fields.values() {
                    self.compare(body);
                    if let Some(attribute) = body.get("attr").and_then(Value::as_str) {
                        self.attributes.insert(attribute.to_owned());
                    }
                    self.walk(body);
                }
            }
            _ => {}
        }
    }

    /// Notes the two sides of an operator, where an attribute is on one and values are on the other.
    fn compare(&mut self, operator: &Value) {
        let sides = ["left", "right"].map(|side| operator.get(side));
        let [Some(_), _] = sides else {
            return;
        };
        let attribute = sides.iter().flatten().find_map(|side| {
            let attribute = side.get(".")?.get("attr")?;
            attribute.as_str().map(str::to_owned)
        });
        let Some(attribute) = attribute else {
            return;
        };
        let (mut patterns, mut longs) = (BTreeSet::new(), BTreeSet::new());
        for side in sides.into_iter().flatten() {
            let set = side.get("Set").and_then(Value::as_array);
            let values = set.map_or_else(|| vec![side], |set| set.iter().collect());
            for value in values.iter().filter_map(|value| value.get("Value")) {
                patterns.extend(value.as_str().map(Pattern::text));
                longs.extend(value.as_i64());
            }
        }
        patterns.extend(operator.get("pattern").and_then(pattern));
        self.longs
            .entry(attribute.clone())
            .or_default()
            .extend(longs);
        self.texts.entry(attribute).or_default().extend(patterns);
    }
}

/// An entity's type, without its namespace, and its id.
pub(super) fn typed(entity: EntityUid) -> (String, String) {
    let kind = entity.type_name().basename().to_owned();
    (kind, entity.id().unescaped().to_owned())
}

/// The pattern of a `like`, as Cedar writes it in JSON.
fn pattern(parts: &Value) -> Option<Pattern> {
    let mut texts = vec![String::new()];
    for part in parts.as_array()? {
        match part.get("Literal").and_then(Value::as_str) {
            Some(literal) => texts.last_mut()?.push_str(literal),
            None => texts.push(String::new()),
        }
    }
    Some(Pattern(texts))
}

#[cfg(test)]
mod tests {
    use super::{Literals, Pattern};
    use crate::generated::parsed;

    fn like(parts: &[&str]) -> Pattern {
        Pattern(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn patterns_match_as_like_does() {
        for (pattern, text, expected) in [
            (like(&["a"]), "a", true),
            (like(&["a"]), "ab", false),
            (like(&["a", ""]), "ab", true),
            (like(&["", "b"]), "ab", true),
            (like(&["", "b"]), "ba", false),
            (like(&["a", "a"]), "a", false),
            (like(&["", "b", ""]), "abc", true),
            (like(&["", "b", "c"]), "abbc", true),
            (like(&["", "b", "b"]), "ab", false),
        ] {
            assert_eq!(pattern.matches(text), expected, "{pattern:?} {text}");
        }
    }

    #[test]
    fn what_a_policy_compares_with_is_found() {
        let policy = "permit (principal in Valetkey::Group::\"dev\", action, resource is Valetkey::Credential)
            when {
            (context.scope == \"read\" || context.scope like \"*:read\") &&
            [\"a\", \"b\"].contains(context.audience) && context.lifetimeSeconds <= 900 &&
            !resource.labels.contains(\"production\") && resource has owner };";
        let [policy] = &parsed(&[policy.to_owned()])[..] else {
            panic!("one policy");
        };
        let literals = Literals::of(policy).unwrap();
        assert_eq!(literals.named("Group").collect::<Vec<_>>(), ["dev"]);
        let around = |attribute| literals.around(attribute).collect::<Vec<_>>();
        assert_eq!(around("lifetimeSeconds"), [899, 900, 901]);
        assert!(around("port").is_empty());
        assert!(literals.speak_of("owner") && !literals.speak_of("risk"));
        let of = |attribute, none| literals.values(attribute, [], none).join(" ");
        assert_eq!(of("scope", "z"), "x:read read z");
        assert_eq!(of("audience", "z"), "a b z");
        assert_eq!(of("labels", "z"), "production z");
        assert_eq!(of("agent", "z"), "z");
    }
}
