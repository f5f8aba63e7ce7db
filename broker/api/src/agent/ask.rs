//! A token request in JSON: the fields of `GetTokenRequest`, by the same names.

use serde::Deserialize;
use serde_json::{Map, Value};
use valetkey_codes::Code;
use valetkey_core::{Refusal, request::Ask};

use super::wait::Wait;

const CREDENTIAL: &str = "credential";
const SCOPES: &str = "scopes";
const AUDIENCE: &str = "audience";
const LIFETIME: &str = "lifetime_seconds";
const MIN_VALIDITY: &str = "min_validity_seconds";
const REASON: &str = "reason";
const WAIT: &str = "wait_seconds";

const FIELDS: [&str; 7] = [
    CREDENTIAL,
    SCOPES,
    AUDIENCE,
    LIFETIME,
    MIN_VALIDITY,
    REASON,
    WAIT,
];

/// What the seconds of a bound are.
const SECONDS: &str = "a whole number of seconds, 0 or more";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    credential: String,
    #[serde(default)]
    scopes: Vec<String>,
    audience: Option<String>,
    lifetime_seconds: Option<i64>,
    min_validity_seconds: Option<u64>,
    reason: Option<String>,
    wait_seconds: Option<u64>,
}

/// Reads a token request, and how long it waits for its approval. A field of another name is refused rather than overlooked: whoever writes
/// `scope` for `scopes` would otherwise be told of a missing scope.
pub(super) fn parse(body: &[u8]) -> Result<(Ask, Wait), Refusal> {
    let fields: Fields = serde_json::from_slice(body).map_err(|_| explain(body))?;
    let wait = Wait::seconds(fields.wait_seconds)?;
    let ask = Ask {
        credential: fields.credential,
        scopes: fields.scopes,
        audience: fields.audience,
        lifetime: fields.lifetime_seconds,
        min_validity: fields.min_validity_seconds,
        reason: fields.reason,
        ..Ask::default()
    };
    Ok((ask, wait))
}

/// What is wrong with a body that did not parse, in words for people.
fn explain(body: &[u8]) -> Refusal {
    let refusal = Refusal::new(Code::InvalidRequest);
    let value = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return refusal.saying("the body is not a JSON object"),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return refusal.saying(format!(
                "the body is not JSON (line {line}, column {column})"
            ));
        }
    };
    let unknown = value.keys().find(|key| !FIELDS.contains(&key.as_str()));
    if let Some(unknown) = unknown {
        let known = FIELDS.map(|field| format!("`{field}`")).join(", ");
        return refusal.saying(format!("there is no field `{unknown}`, only {known}"));
    }
    if !value.contains_key(CREDENTIAL) {
        return refusal.saying("the field `credential` is missing");
    }
    match wrong_kind(&value) {
        Some(sentence) => refusal.saying(sentence),
        None => refusal.saying("a field is there twice"),
    }
}

fn wrong_kind(fields: &Map<String, Value>) -> Option<String> {
    let wrong = |name: &str, what: &str, fine: &dyn Fn(&Value) -> bool| {
        let value = fields.get(name)?;
        (!fine(value)).then(|| format!("the field `{name}` is not {what}"))
    };
    let text_or_none = |value: &Value| value.is_string() || value.is_null();
    wrong(CREDENTIAL, "a text", &Value::is_string)
        .or_else(|| wrong(SCOPES, "a list of texts", &list_of_texts))
        .or_else(|| wrong(AUDIENCE, "a text", &text_or_none))
        .or_else(|| wrong(REASON, "a text", &text_or_none))
        .or_else(|| {
            wrong(LIFETIME, "a whole number of seconds", &|value| {
                value.is_i64() || value.is_null()
            })
        })
        .or_else(|| wrong(MIN_VALIDITY, SECONDS, &seconds_or_none))
        .or_else(|| wrong(WAIT, SECONDS, &seconds_or_none))
}

fn seconds_or_none(value: &Value) -> bool {
    value.is_u64() || value.is_null()
}

fn list_of_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::{Wait, parse};

    #[test]
    fn every_field_arrives() {
        let body = br#"{"credential":"c","scopes":["a","b c"],"audience":"x",
            "lifetime_seconds":-5,"min_validity_seconds":7,"reason":"why","wait_seconds":600}"#;
        let (ask, wait) = parse(body).unwrap();
        assert_eq!(ask.credential, "c");
        assert_eq!(ask.scopes, ["a", "b c"]);
        assert_eq!(ask.audience.as_deref(), Some("x"));
        assert_eq!(ask.lifetime, Some(-5));
        assert_eq!(ask.min_validity, Some(7));
        assert_eq!(ask.reason.as_deref(), Some("why"));
        assert_eq!(Ok(wait), Wait::seconds(Some(600)));
    }

    #[test]
    fn each_mistake_is_named() {
        let cases: [(&[u8], &str); 14] = [
            (b"", "the body is not JSON (line 1, column 0)"),
            (b"{", "the body is not JSON (line 1, column 1)"),
            (b"\xff\x00", "the body is not JSON (line 1, column 1)"),
            (b"[]", "the body is not a JSON object"),
            (b"{}", "the field `credential` is missing"),
            (
                br#"{"credential":7}"#,
                "the field `credential` is not a text",
            ),
            (
                br#"{"credential":"c","scope":"a"}"#,
                "there is no field `scope`, only `credential`, `scopes`, `audience`, \
                 `lifetime_seconds`, `min_validity_seconds`, `reason`, `wait_seconds`",
            ),
            (
                br#"{"credential":"c","scopes":"a"}"#,
                "the field `scopes` is not a list of texts",
            ),
            (
                br#"{"credential":"c","lifetime_seconds":1e30}"#,
                "the field `lifetime_seconds` is not a whole number of seconds",
            ),
            (
                br#"{"credential":"c","min_validity_seconds":-1}"#,
                "the field `min_validity_seconds` is not a whole number of seconds, 0 or more",
            ),
            (
                br#"{"credential":"c","wait_seconds":"60"}"#,
                "the field `wait_seconds` is not a whole number of seconds, 0 or more",
            ),
            (
                br#"{"credential":"c","wait_seconds":601}"#,
                "`wait_seconds` is 600 at most",
            ),
            (
                br#"{"credential":"c","credential":"d"}"#,
                "a field is there twice",
            ),
            (
                b"{\"credential\":\"c\",\"\\u001b[2J\":1}",
                "there is no field `\u{fffd}[2J`, only `credential`, `scopes`, `audience`, \
                 `lifetime_seconds`, `min_validity_seconds`, `reason`, `wait_seconds`",
            ),
        ];
        for (body, sentence) in cases {
            let refusal = parse(body).unwrap_err();
            assert_eq!(refusal.message(), sentence);
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = "[".repeat(60_000);
        let body = format!(r#"{{"credential":{deep}"#);
        assert!(parse(body.as_bytes()).is_err());
    }
}
