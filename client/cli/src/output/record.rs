//! One record of the ledger as one line.

use serde_json::Value;

use super::moment;

/// The record in words: when, which, what, and then its facts. A record that is not the JSON object
/// it should be is shown as it is.
pub(crate) fn sentence(sequence: u64, record: &Value) -> String {
    let Value::Object(fields) = record else {
        return format!("{sequence}  {record}");
    };
    let at = fields.get("at").and_then(Value::as_u64).map_or_else(
        || "at an unknown time".to_owned(),
        |milliseconds| moment(milliseconds / 1000),
    );
    let event = fields
        .get("event")
        .and_then(Value::as_str)
        .unwrap_or("unknown event");
    let mut line = format!("{sequence}  {at}  {}", event.replace('_', " "));
    for (name, value) in fields {
        if !matches!(name.as_str(), "at" | "event") {
            match (name.as_str(), value.as_u64()) {
                ("expires", Some(milliseconds)) => {
                    assign(&mut line, name, &moment(milliseconds / 1000));
                }
                _ => fact(&mut line, name, value),
            }
        }
    }
    line
}

/// ` name=value`; what is inside something else is named after it.
fn fact(line: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(inner) => {
            for (part, value) in inner {
                fact(line, &format!("{name}.{part}"), value);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (number, value) in values.iter().enumerate() {
                fact(line, &format!("{name}.{number}"), value);
            }
        }
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(plain).collect();
            assign(line, name, &values.join(","));
        }
        value => assign(line, name, &plain(value)),
    }
}

fn assign(line: &mut String, name: &str, value: &str) {
    line.push_str("  ");
    line.push_str(name);
    line.push('=');
    // Quoted where it could be taken for the next fact.
    if value.is_empty() || value.contains([' ', '=', '"']) {
        line.push_str(&format!("{value:?}"));
    } else {
        line.push_str(value);
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sentence;

    #[test]
    fn facts_follow_the_event() {
        let record = json!({
            "at": u64::MAX, "event": "token_refused", "session": "s-1", "scopes": "a b",
            "caller": {"pid": 7}, "policies": ["p", "q"], "passed": [{"requests": 3}],
        });
        let line = sentence(3, &record);
        assert!(line.starts_with("3  "), "{line}");
        for part in [
            "  token refused  ",
            "session=s-1",
            "scopes=\"a b\"",
            "caller.pid=7",
            "policies=p,q",
            "passed.0.requests=3",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_moment_is_no_number() {
        let record = json!({"event": "approval_asked", "expires": 1_800_000_000_000_u64});
        let line = sentence(1, &record);
        assert!(line.contains("expires=\"2027-01-1"), "{line}");
    }

    #[test]
    fn a_value_cannot_pose_as_another_fact() {
        let record = json!({"event": "x", "reason": "none  by=admin"});
        assert!(sentence(1, &record).ends_with("reason=\"none  by=admin\""));
    }

    #[test]
    fn what_is_no_record_is_shown_as_it_is() {
        assert_eq!(sentence(1, &json!("text")), "1  \"text\"");
    }
}
