//! What counts as an answer: one JSON object with three fields, and nothing before or after it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use valetkey_core::{Opinion, Risk, approval::Finding, ports::ReviewError, text::printable};

/// Longest answer, in bytes.
pub(crate) const ANSWER_LIMIT: usize = 64 * 1024;
/// Most of its rationale that is kept, in characters.
const RATIONALE: usize = 600;
/// Longest name of a model, in characters.
const MODEL: usize = 100;

/// Reads an answer. `model` is what the answer says gave it.
///
/// # Errors
/// [`ReviewError::Nonsense`], which quotes nothing of it: the answer may hold an agent's words.
pub(crate) fn read(answer: &[u8], name: &str, model: Option<&str>) -> Result<Opinion, ReviewError> {
    if answer.len() > ANSWER_LIMIT {
        return Err(too_long());
    }
    let Object(said) = serde_json::from_slice::<Object<Said>>(answer).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        nonsense(format!(
            "not the expected json at line {line}, column {column}"
        ))
    })?;
    if said.rationale.trim().is_empty() {
        return Err(nonsense("it gives no rationale"));
    }
    Ok(Opinion {
        finding: said.verdict,
        risk: Some(said.risk),
        rationale: printable(&said.rationale, RATIONALE),
        reviewer: match model {
            Some(model) => format!("{name} ({})", printable(model, MODEL)),
            None => name.to_owned(),
        },
    })
}

pub(crate) fn nonsense(why: impl Into<String>) -> ReviewError {
    ReviewError::Nonsense(why.into())
}

pub(crate) fn too_long() -> ReviewError {
    nonsense(format!("it is longer than {ANSWER_LIMIT} bytes"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(deserialize_with = "verdict")]
    verdict: Finding,
    #[serde(deserialize_with = "risk")]
    risk: Risk,
    rationale: String,
}

// From text alone: an enum of serde would also take `{"approve": null}`.
fn verdict<'de, D: Deserializer<'de>>(from: D) -> Result<Finding, D::Error> {
    match String::deserialize(from)?.as_str() {
        "approve" => Ok(Finding::Approve),
        "deny" => Ok(Finding::Deny),
        "escalate" => Ok(Finding::Escalate),
        _ => Err(D::Error::custom("no verdict")),
    }
}

fn risk<'de, D: Deserializer<'de>>(from: D) -> Result<Risk, D::Error> {
    match String::deserialize(from)?.as_str() {
        "low" => Ok(Risk::Low),
        "medium" => Ok(Risk::Medium),
        "high" => Ok(Risk::High),
        "critical" => Ok(Risk::Critical),
        _ => Err(D::Error::custom("no risk")),
    }
}

/// A JSON object. What serde derives for a struct would also take an array of its fields.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfObject<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfObject<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        from.deserialize_map(OfObject(std::marker::PhantomData))
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use valetkey_core::{Risk, approval::Finding};

    use super::{ANSWER_LIMIT, read};

    const GOOD: &str = r#"{"verdict":"approve","risk":"low","rationale":"routine"}"#;

    #[test]
    fn the_three_verdicts_count() {
        for (word, finding) in [
            ("approve", Finding::Approve),
            ("deny", Finding::Deny),
            ("escalate", Finding::Escalate),
        ] {
            let opinion = read(GOOD.replace("approve", word).as_bytes(), "r", None).unwrap();
            assert_eq!(opinion.finding, finding);
            assert_eq!(opinion.risk, Some(Risk::Low));
            assert_eq!(opinion.rationale, "routine");
            assert_eq!(opinion.reviewer, "r");
        }
        for (word, risk) in [
            ("low", Risk::Low),
            ("medium", Risk::Medium),
            ("high", Risk::High),
            ("critical", Risk::Critical),
        ] {
            let answer = GOOD.replace("low", word);
            assert_eq!(read(answer.as_bytes(), "r", None).unwrap().risk, Some(risk));
        }
    }

    #[test]
    fn white_space_around_it_and_the_order_of_fields_do_not_matter() {
        let answer = b" \n{\"rationale\":\"x\",\"risk\":\"high\",\"verdict\":\"deny\"}\r\n";
        assert_eq!(read(answer, "r", None).unwrap().finding, Finding::Deny);
    }

    #[test]
    fn nothing_else_counts() {
        let long = GOOD.replace("routine", &"x".repeat(ANSWER_LIMIT));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let cases = [
            "",
            "approve",
            "\"approve\"",
            "null",
            "true",
            "{}",
            "[]",
            r#"["approve","low","routine"]"#,
            r#"[{"verdict":"approve","risk":"low","rationale":"routine"}]"#,
            r#"{"verdict":"approve"}"#,
            r#"{"verdict":"approve","rationale":"no risk"}"#,
            r#"{"verdict":"approve","risk":"low"}"#,
            r#"{"verdict":"approve","risk":"low","rationale":""}"#,
            r#"{"verdict":"approve","risk":"low","rationale":" \n "}"#,
            r#"{"verdict":"approve","risk":"low","rationale":null}"#,
            r#"{"verdict":"approve","risk":"low","rationale":["x"]}"#,
            r#"{"verdict":"approve","risk":null,"rationale":"x"}"#,
            r#"{"verdict":"approve","risk":1,"rationale":"x"}"#,
            r#"{"verdict":"approve","risk":"none","rationale":"x"}"#,
            r#"{"verdict":true,"risk":"low","rationale":"x"}"#,
            r#"{"verdict":"Approve","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approved","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approve ","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"failed","risk":"low","rationale":"x"}"#,
            r#"{"verdict":{"approve":null},"risk":"low","rationale":"x"}"#,
            r#"{"verdict":["approve"],"risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approve","risk":{"low":null},"rationale":"x"}"#,
            r#"{"verdict":"approve","risk":"low","rationale":"x","confidence":1}"#,
            r#"{"verdict":"deny","verdict":"approve","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approve","risk":"critical","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approve","risk":"low","rationale":"x"}{"verdict":"deny","risk":"low","rationale":"x"}"#,
            r#"{"verdict":"approve","risk":"low","rationale":"x"} as asked"#,
            r#"{"verdict":"approve","risk":"low","rationale":"x"},"#,
            r#"{"verdict":"approve","risk":"low","rationale":"x",}"#,
            r#"{'verdict':'approve','risk':'low','rationale':'x'}"#,
            r#"{"opinion":{"verdict":"approve","risk":"low","rationale":"x"}}"#,
            r#""{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"x\"}""#,
            "Sure! {\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"x\"}",
            "```json\n{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"x\"}\n```",
            "\u{feff}{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"x\"}",
            "{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"a\nb\"}",
            &long,
            &deep,
        ];
        for case in cases {
            let shown: String = case.chars().take(100).collect();
            assert!(read(case.as_bytes(), "r", None).is_err(), "{shown}");
        }
        let latin = b"{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"\xe4\"}";
        assert!(read(latin, "r", None).is_err());
        let nul = b"{\"verdict\":\"approve\",\"risk\":\"low\",\"rationale\":\"x\"}\0";
        assert!(read(nul, "r", None).is_err());
    }

    #[test]
    fn what_people_read_is_clean_and_short() {
        let painted = GOOD.replace("routine", &format!("\\u001b[2J\u{202e}{}", "x".repeat(900)));
        let opinion = read(painted.as_bytes(), "r", Some("m\u{1b}odel")).unwrap();
        assert!(opinion.rationale.starts_with("\u{fffd}[2J\u{fffd}xxx"));
        assert_eq!(opinion.rationale.chars().count(), 600);
        assert_eq!(opinion.reviewer, "r (m\u{fffd}odel)");
    }

    #[test]
    fn an_error_quotes_nothing() {
        let error = read(br#"{"verdict":"approve","canary":1}"#, "r", None).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
