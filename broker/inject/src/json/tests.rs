//! A value in a body, and nothing else.

use proptest::prelude::*;
use serde_json::Value;
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{BODY_LIMIT, into_json};
use crate::PlaceError;

const P: &str = "ghp_QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC";

fn put(body: &str, pointer: &str, value: &str, always: bool) -> Result<Option<String>, PlaceError> {
    let value = IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec()));
    let body = into_json(body.as_bytes(), pointer, &value, Some(P), always)?;
    Ok(body.map(|body| String::from_utf8(body.to_vec()).unwrap()))
}

#[test]
fn only_the_string_at_the_pointer_changes() {
    for (body, pointer, becomes) in [
        (r#"{"key":"P"}"#, "/key", r#"{"key":"v\"4"}"#),
        (
            r#" { "a" : 1.0e400, "key"	: "Bearer P" ,"z":-0.0} "#,
            "/key",
            r#" { "a" : 1.0e400, "key"	: "v\"4" ,"z":-0.0} "#,
        ),
        (
            r#"[{"a":[0,"P"]},"P"]"#,
            "/0/a/1",
            r#"[{"a":[0,"v\"4"]},"P"]"#,
        ),
        (r#""P""#, "", r#""v\"4""#),
        (r#"{"\u006bey":"P"}"#, "/key", r#"{"\u006bey":"v\"4"}"#),
        (
            r#"{"a/b":{"~":"P"},"":1}"#,
            "/a~1b/~0",
            r#"{"a/b":{"~":"v\"4"},"":1}"#,
        ),
        (
            r#"{"key":"P\u00e4\ud83d\ude00\/"}"#,
            "/key",
            r#"{"key":"v\"4"}"#,
        ),
    ] {
        let found = put(&body.replace('P', P), pointer, "v\"4", false);
        assert_eq!(found, Ok(Some(becomes.replace('P', P))), "{body}");
    }
}

#[test]
fn it_is_not_put_where_it_is_not_asked_for() {
    for (body, pointer) in [
        (r#"{"key":"other"}"#, "/key"),
        (r#"{"other":"P"}"#, "/key"),
        (r#"{"key":{"P":"P"}}"#, "/key"),
        (r#"{"key":["P"]}"#, "/key"),
        (r#"["P"]"#, "/-"),
        (r#"["P"]"#, "/00"),
        (r#"["P"]"#, "/1"),
        (r#""P""#, "/key"),
        ("not json", "/key"),
        ("", "/key"),
    ] {
        assert_eq!(
            put(&body.replace('P', P), pointer, "v", false),
            Ok(None),
            "{body}"
        );
    }
}

#[test]
fn always_replaces_or_adds() {
    for (body, pointer, becomes) in [
        ("{}", "/key", Ok(r#"{"key":"v"}"#)),
        (
            r#"{"a":{ "b":1 }}"#,
            "/a/k\"",
            Ok(r#"{"a":{ "b":1 ,"k\"":"v"}}"#),
        ),
        (r#"{"key":{"a":[1]}}"#, "/key", Ok(r#"{"key":"v"}"#)),
        ("[1, null]", "/1", Ok(r#"[1, "v"]"#)),
        ("[1]", "/1", Err(PlaceError::NoMember)),
        ("{}", "/a/b", Err(PlaceError::NoMember)),
        ("3", "/a", Err(PlaceError::NoMember)),
        ("{}", "a", Err(PlaceError::NotPointer)),
    ] {
        let becomes = becomes.map(|text| Some(text.to_owned()));
        assert_eq!(put(body, pointer, "v", true), becomes, "{body}");
    }
}

#[test]
fn what_readers_differ_about_is_refused() {
    for (body, wrong) in [
        (r#"{"key":1,"key":2}"#, PlaceError::DuplicateKey),
        (r#"{"key":1,"\u006bey":2}"#, PlaceError::DuplicateKey),
        (
            r#"[{"key":"","a":[{"b":1,"b":1}]}]"#,
            PlaceError::DuplicateKey,
        ),
        (r#"{"key":1,}"#, PlaceError::NotJson),
        (r#"{"key":1}x"#, PlaceError::NotJson),
        (r#"{"key":1}{}"#, PlaceError::NotJson),
        (r#"{"key":1/**/}"#, PlaceError::NotJson),
        (r#"{'key':1}"#, PlaceError::NotJson),
        (r#"{"key":01}"#, PlaceError::NotJson),
        (r#"{"key":.5}"#, PlaceError::NotJson),
        (r#"{"key":NaN}"#, PlaceError::NotJson),
        (r#"{"key":"\ud800"}"#, PlaceError::NotJson),
        (r#"{"key":"\ud800\u0041"}"#, PlaceError::NotJson),
        (r#"{"key":"\x41"}"#, PlaceError::NotJson),
        ("{\"key\":\"a\nb\"}", PlaceError::NotJson),
        ("\u{feff}{\"key\":1}", PlaceError::NotJson),
        (r#"{"key":"#, PlaceError::NotJson),
        ("", PlaceError::NotJson),
    ] {
        assert_eq!(put(body, "/key", "v", true), Err(wrong), "{body}");
    }
}

#[test]
fn bodies_are_bounded() {
    let deep = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(put(&deep(128), "", "v", true), Ok(Some("\"v\"".into())));
    assert_eq!(put(&deep(129), "", "v", true), Err(PlaceError::TooDeep));
    assert_eq!(
        put(&"[".repeat(BODY_LIMIT), "", "v", true),
        Err(PlaceError::TooDeep)
    );
    let long = |n| format!("\"{}\"", "a".repeat(n));
    assert!(put(&long(BODY_LIMIT - 2), "", "v", true).is_ok());
    let wrong = put(&long(BODY_LIMIT - 1), "", "v", true);
    assert_eq!(wrong, Err(PlaceError::BodyTooLarge));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let value = IssuedToken::new(Zeroizing::new(vec![0xff]));
    let put = |body: &[u8]| into_json(body, "/a", &value, None, true).map(drop);
    assert_eq!(put(b"{}"), Err(PlaceError::NotForJson));
    assert_eq!(put(b"{\"\xff\":1}"), Err(PlaceError::NotJson));
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f32>().prop_map(|n| Value::from(f64::from(n))),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-c/~\"ä]{0,2}", inner, 0..6)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                paths(item, &format!("{at}/{n}"), all);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                paths(member, &format!("{at}/{key}"), all);
            }
        }
        _ => {}
    }
}

proptest! {
    /// Against serde_json, for every place of any document, densely written and not.
    #[test]
    fn it_is_what_another_reader_finds(document in document(), pick: prop::sample::Index, value: String) {
        let mut all = Vec::new();
        paths(&document, "", &mut all);
        let pointer = pick.get(&all);
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let found = put(&text, pointer, &value, true).unwrap().unwrap();
            let mut expected: Value = serde_json::from_str(&text).unwrap();
            *expected.pointer_mut(pointer).unwrap() = Value::from(value.clone());
            let read: Value = serde_json::from_str(&found).unwrap();
            // Written, so that the order of keys counts.
            prop_assert_eq!(read.to_string(), expected.to_string());
        }
    }

    /// What it takes is JSON to another reader as well, whatever bytes there are.
    #[test]
    fn it_takes_nothing_that_another_reader_refuses(text in "[\\[\\]{}\",:0-9eE+.\\-\\\\utrfalsn x]{0,24}") {
        if put(&text, "", "v", true).is_ok() {
            // A number too large for a float is one of JSON all the same.
            let read = serde_json::from_str::<Value>(&text);
            prop_assert!(read.as_ref().err().is_none_or(|e| e.to_string().contains("out of range")));
        }
    }
}
