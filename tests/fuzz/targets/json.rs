//! Where in a body a JSON pointer leads: to where other readers of JSON see it lead.
#![no_main]

use serde_json::Value;
use valetkey_fuzz::forms::{PLACEHOLDER, VALUE, contains};
use valetkey_inject::{PlaceError, into_json};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [flags, length, rest @ ..] = input else {
        return;
    };
    let always = flags & 1 != 0;
    let (pointer, body) = rest.split_at(usize::from(*length).min(rest.len()));
    let Ok(pointer) = std::str::from_utf8(pointer) else {
        return;
    };
    let value = IssuedToken::new(Zeroizing::new(VALUE.into()));
    let placed = into_json(body, pointer, &value, Some(PLACEHOLDER), always);
    let read = serde_json::from_slice::<Value>(body);
    match placed {
        Err(PlaceError::NotJson) => assert!(read.is_err(), "others read this"),
        Err(_) => {}
        Ok(None) => {
            assert!(!always, "it was to be there");
            let there = read.as_ref().ok().and_then(|read| read.pointer(pointer));
            let asked = there.and_then(Value::as_str);
            let asked = asked.is_some_and(|text| text.contains(PLACEHOLDER));
            assert!(
                !asked || !contains(body, PLACEHOLDER.as_bytes()),
                "it was asked for"
            );
        }
        Ok(Some(out)) => {
            let mut read = match read {
                Ok(read) => read,
                Err(error) => {
                    let error = error.to_string();
                    let ours = ["number out of range", "recursion limit"];
                    assert!(
                        ours.iter().any(|one| error.contains(one)),
                        "others do not read this: {error}"
                    );
                    return;
                }
            };
            let out: Value = serde_json::from_slice(&out).expect("others read what goes out");
            let new = Value::from(VALUE);
            if let Some(there) = read.pointer_mut(pointer) {
                let asked = there
                    .as_str()
                    .is_some_and(|text| text.contains(PLACEHOLDER));
                assert!(always || asked, "nobody asked");
                *there = new;
            } else {
                assert!(always, "nobody asked");
                let (parent, key) = pointer.rsplit_once('/').expect("a member has a parent");
                let parent = read.pointer_mut(parent).and_then(Value::as_object_mut);
                let key = key.replace("~1", "/").replace("~0", "~");
                parent
                    .expect("a member is one of an object")
                    .insert(key, new);
            }
            assert_eq!(out, read, "all else stays as it was");
        }
    }
});
