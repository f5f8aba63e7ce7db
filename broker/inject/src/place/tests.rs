//! What holds of every place.

use proptest::prelude::*;
use valetkey_core::Placement;

use super::testing::{PLACEHOLDER, head, injection, into, shown};
use crate::{PlaceError, Placed, Placeholders, needs_body};

fn places() -> [Placement; 5] {
    [
        Placement::Header {
            name: "x-key".into(),
            prefix: String::new(),
        },
        Placement::Basic { user: "bot".into() },
        Placement::Query { name: "key".into() },
        Placement::Cookie { name: "key".into() },
        Placement::Path,
    ]
}

#[test]
fn other_places_are_not_in_the_head() {
    let elsewhere = [
        Placement::Body {
            pointer: "/a".into(),
        },
        Placement::WebSocket {
            pointer: "/a".into(),
        },
        Placement::SigV4 {
            access_key_id: "AKID".into(),
        },
    ];
    for place in elsewhere {
        let wrong = into(&mut head("/", &[]), place, "v", true);
        assert_eq!(wrong, Err(PlaceError::NotInHead));
    }
}

#[test]
fn a_body_is_needed_for_bodies_and_for_signatures_of_unknown_bodies() {
    let hash = [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let signature = Placement::SigV4 {
        access_key_id: "AKID".into(),
    };
    let member = Placement::Body {
        pointer: "/a".into(),
    };
    assert!(needs_body(&injection(member, true), &head("/", &[])));
    let signature = injection(signature, true);
    assert!(needs_body(&signature, &head("/", &[])));
    assert!(!needs_body(&signature, &head("/", &hash)));
    for place in places() {
        assert!(!needs_body(&injection(place, true), &head("/", &[])));
    }
}

#[test]
fn no_error_quotes_anything() {
    let secret = "s3cr\u{1}et";
    for place in places() {
        let mut parts = head(&format!("/{PLACEHOLDER}"), &[]);
        if let Err(wrong) = into(&mut parts, place, secret, true) {
            let text = format!("{wrong} {wrong:?}");
            assert!(!text.contains("s3cr") && !text.contains(PLACEHOLDER));
        }
    }
}

fn target() -> impl Strategy<Value = String> {
    "(/[a-z%2F]{0,4}){1,3}(\\?[a-z=&%41]{0,12})?"
}

proptest! {
    /// Whatever else is in the head is not touched, and the placeholder is gone from where the value went.
    #[test]
    fn nothing_else_changes(
        target in target(),
        value in "[!-~]{1,40}",
        extra in "[ -~]{0,20}",
        index in 0_usize..5,
        always: bool,
    ) {
        prop_assume!(value != "." && value != "..");
        let mut parts = head(&target, &[("x-extra", extra.trim())]);
        let before = parts.clone();
        let placed = into(&mut parts, places()[index].clone(), &value, always);
        match placed {
            Ok(Placed::NotAsked) => {
                prop_assert_eq!(shown(&parts), shown(&before));
                prop_assert_eq!(&parts.uri, &before.uri);
            }
            Ok(Placed::Yes) => {
                prop_assert!(always);
                prop_assert_eq!(&parts.headers["x-extra"], &before.headers["x-extra"]);
                prop_assert_eq!(parts.uri.path(), before.uri.path());
                let rest = parts.headers.len() + usize::from(parts.uri != before.uri);
                prop_assert!(rest == 2, "one place has changed");
            }
            Err(wrong) => prop_assert_eq!(wrong, PlaceError::NotForCookie),
        }
    }

    /// What was put into the head can be found there again: scrubbing knows every form that placing makes.
    #[test]
    fn placing_and_scrubbing_know_the_same_forms(value in "[!-~]{6,40}", index in 0_usize..5) {
        prop_assume!(value != "." && value != "..");
        let mut parts = head(&format!("/a{PLACEHOLDER}b"), &[]);
        let placed = into(&mut parts, places()[index].clone(), &value, true);
        prop_assume!(placed.is_ok());
        let value = valetkey_secret::IssuedToken::new(zeroize::Zeroizing::new(value.into_bytes()));
        let shapes = crate::Shapes::of(&value, Some("bot"));
        let needles = crate::Needles::new([&shapes]).unwrap();
        let head = format!("{} {:?}", parts.uri, shown(&parts));
        let head = head.replace("\\\"", "\"").replace("\\\\", "\\");
        prop_assert!(needles.in_bytes(head.as_bytes()), "{}", head);
    }
}

#[test]
fn a_placeholder_that_is_left_is_found() {
    let name = valetkey_core::CredentialName::parse("a").unwrap();
    let all = Placeholders::new([(name.clone(), PLACEHOLDER.to_owned())]).unwrap();
    let mut parts = head(&format!("/?key={PLACEHOLDER}"), &[("x-note", PLACEHOLDER)]);
    let placed = into(&mut parts, places()[2].clone(), "v", false);
    assert_eq!(placed, Ok(Placed::Yes));
    assert_eq!(all.in_head(&parts), [name]);
}
