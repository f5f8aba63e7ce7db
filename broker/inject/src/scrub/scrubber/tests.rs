//! A stream that is cut anywhere.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::body::Bytes;
use proptest::prelude::*;

use super::super::{
    Needles, Scrubber, Shapes,
    forms::forms,
    testing::{needles, token},
};

const SECRET: &str = "sk-live_A/b+C\"9=xyzzy~Q";

fn scrub(needles: &Arc<Needles>, pieces: &[&[u8]]) -> (Vec<u8>, u64) {
    let mut scrubber = needles.scrubber();
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(scrubber.feed(Bytes::copy_from_slice(piece)));
    }
    out.extend(scrubber.finish());
    (out, scrubber.found())
}

/// The same by hand: every place where a form stands, in either case.
fn expected(values: &[&str], users: &[&str], text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let lower = text.to_ascii_lowercase();
    for value in values {
        for form in forms(value.as_bytes(), users.iter().copied()) {
            let form = form.to_ascii_lowercase();
            for (at, window) in lower.windows(form.len()).enumerate() {
                if window == form {
                    out[at..at + form.len()].fill(b'x');
                }
            }
        }
    }
    out
}

/// What an upstream that echoes could make of a value, each between other text.
fn echoes() -> Vec<(&'static str, String)> {
    let percent = |byte: u8| format!("%{byte:02X}");
    let mixed: String = SECRET
        .bytes()
        .enumerate()
        .map(|(at, byte)| match at % 3 {
            0 => format!("{byte:02x}"),
            1 => format!("{byte:02X}"),
            _ => {
                let [high, low] = [byte >> 4, byte & 15];
                format!("{high:X}{low:x}")
            }
        })
        .collect();
    vec![
        ("as it is", format!("a {SECRET} b")),
        ("twice in a row", format!("{SECRET}{SECRET}")),
        ("upper case", SECRET.to_ascii_uppercase()),
        (
            "JSON",
            serde_json::to_string(&format!("a {SECRET}")).unwrap(),
        ),
        ("JSON of PHP", "\"sk-live_A\\/b+C\\\"9=xyzzy~Q\"".into()),
        (
            "JSON by number",
            SECRET.bytes().map(|b| format!("\\u{b:04X}")).collect(),
        ),
        (
            "encodeURIComponent",
            "k=sk-live_A%2Fb%2BC%229%3Dxyzzy~Q&".into(),
        ),
        (
            "encodeURIComponent, mixed case",
            "k=sk-live_A%2fb%2BC%229%3dxyzzy~Q&".into(),
        ),
        ("a form", "k=sk-live_A%2Fb%2BC%229%3Dxyzzy%7EQ&".into()),
        ("a path", "/sk-live_A%2Fb+C%229=xyzzy~Q/".into()),
        ("all percent", SECRET.bytes().map(percent).collect()),
        ("hexadecimal", format!("0x{mixed}")),
        ("HTML", "<p>sk-live_A/b+C&quot;9=xyzzy~Q".into()),
        (
            "base64 at 0",
            BASE64_STANDARD.encode(format!("abc{SECRET}def")),
        ),
        ("base64 at 1", BASE64_STANDARD.encode(format!("a{SECRET}"))),
        (
            "base64 at 2",
            BASE64_URL_SAFE_NO_PAD.encode(format!("ab{SECRET}c")),
        ),
        (
            "Basic",
            format!("Basic {}", BASE64_STANDARD.encode(format!("bot:{SECRET}"))),
        ),
    ]
}

#[test]
fn no_echo_passes_wherever_it_is_cut() {
    let needles = needles(&[SECRET], &["bot"]);
    for (how, echo) in echoes() {
        let text = echo.as_bytes();
        let (whole, found) = scrub(&needles, &[text]);
        assert!(found > 0, "{how}");
        assert_eq!(whole, expected(&[SECRET], &["bot"], text), "{how}");
        assert!(!needles.in_bytes(&whole), "{how}");
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(
                scrub(&needles, &[head, tail]),
                (whole.clone(), found),
                "{how} at {cut}"
            );
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(
            scrub(&needles, &bytes),
            (whole, found),
            "{how}, byte by byte"
        );
    }
}

/// The decoded text of a base64 echo tells at most the bits at its edges.
#[test]
fn masked_base64_does_not_hold_the_value() {
    let needles = needles(&[SECRET], &[]);
    for before in ["", "a", "ab"] {
        let text = BASE64_STANDARD.encode(format!("{before}{SECRET}!"));
        let (masked, _) = scrub(&needles, &[text.as_bytes()]);
        let decoded: Vec<u8> = crate::decode::base64(&masked).collect();
        let kept = decoded.iter().skip(before.len()).zip(SECRET.bytes());
        let kept = kept.filter(|(a, b)| **a == *b).count();
        assert!(kept <= 2, "{kept} bytes of the value are left");
    }
}

#[test]
fn a_clean_chunk_is_neither_copied_nor_delayed() {
    let needles = needles(&[SECRET], &[]);
    let mut scrubber = needles.scrubber();
    let chunk = Bytes::from("data: nothing here\n\n".repeat(100));
    let at = chunk.as_ptr();
    let out = scrubber.feed(chunk.clone());
    assert_eq!((out.as_ptr(), out.len()), (at, chunk.len()));
    assert_eq!(scrubber.feed(Bytes::from_static(b"tail sk-li")), "tail ");
    assert_eq!(scrubber.feed(Bytes::from_static(b"s\n")), "sk-lis\n");
    assert_eq!(scrubber.feed(Bytes::from_static(b"s")), "");
    assert_eq!(scrubber.finish(), "s");
    assert_eq!(scrubber.finish(), "");
}

#[test]
fn nothing_is_held_without_values() {
    let needles = Arc::new(Needles::new([&Shapes::of(&token(""), None)]).unwrap());
    let chunk = Bytes::from_static(b"anything");
    assert_eq!(
        needles.scrubber().feed(chunk.clone()).as_ptr(),
        chunk.as_ptr()
    );
}

/// Also in what was held back before, and again in what begins after.
#[test]
fn what_is_lent_under_way_is_masked_in_the_rest() {
    let none = Arc::new(Needles::new([]).unwrap());
    let (lender, lent) = tokio::sync::watch::channel(none);
    let mut scrubber = Scrubber::new(lent);
    assert_eq!(
        scrubber.feed(Bytes::from_static(b"a first-1234 ")),
        "a first-1234 "
    );
    lender.send_replace(needles(&["first-1234"], &[]));
    assert_eq!(
        scrubber.feed(Bytes::from_static(b"b first-1234 ")),
        "b xxxxxxxxxx "
    );
    assert_eq!(scrubber.feed(Bytes::from_static(b"c second-5")), "c ");
    lender.send_replace(needles(&["first-1234", "second-5"], &[]));
    assert_eq!(scrubber.feed(Bytes::from_static(b" second")), "xxxxxxxx ");
    drop(lender);
    assert_eq!(scrubber.feed(Bytes::from_static(b"-5 ")), "xxxxxxxx ");
    assert_eq!(scrubber.found(), 3);
}

/// Values of few letters, so that they overlap, repeat and begin like each other; texts likewise.
fn letters() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,5}", "[ab]{6,14}", "[ab%2/\"]{6,10}"]
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        values in prop::collection::vec(letters(), 1..4),
        pieces in prop::collection::vec("[abAB%2/\"\\\\]{0,20}", 0..12),
    ) {
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let needles = needles(&values, &["u"]);
        let bytes: Vec<_> = pieces.iter().map(String::as_bytes).collect();
        let whole = pieces.concat();
        let expected = expected(&values, &["u"], whole.as_bytes());
        prop_assert_eq!(&scrub(&needles, &bytes).0, &expected);
        prop_assert_eq!(&scrub(&needles, &[whole.as_bytes()]).0, &expected);
    }

    /// Values longer than the end that is searched for, which share it, overlap and follow each other.
    #[test]
    fn long_values_are_told_apart(
        beginnings in prop::collection::vec("[ab]{0,4}", 1..4),
        end in "[ab]{30,34}",
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        between in "[abA ]{0,2}",
        piece in 1_usize..40,
    ) {
        let values: Vec<String> = beginnings.iter().map(|one| format!("{one}{end}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let text: Vec<&str> = order.iter().map(|one| *one.get(&values)).collect();
        let text = text.join(&between);
        let needles = needles(&values, &[]);
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(piece).collect();
        prop_assert_eq!(scrub(&needles, &pieces).0, expected(&values, &[], text.as_bytes()));
    }

    /// Whoever chooses the text learns nothing of the values by what is held back of it: with other values
    /// as long, as much comes at once.
    #[test]
    fn what_is_held_does_not_depend_on_the_values(
        (value, other) in (6_usize..14).prop_flat_map(|length| {
            let any = prop::collection::vec("[a-z0-9]", length);
            (any.clone().prop_map(|all| all.concat()), any.prop_map(|all| all.concat()))
        }),
        at in 0_usize..14,
        more in "[a-z0-9 ]{0,20}",
    ) {
        let guess = format!("{more}{}", value.chars().take(at).collect::<String>());
        let came = |value: &str| {
            let mut scrubber = needles(&[value], &[]).scrubber();
            let first = scrubber.feed(Bytes::from(guess.clone())).len();
            (first, scrubber.feed(Bytes::from_static(b"q")).len())
        };
        prop_assert_eq!(came(&value), came(&other));
    }

    /// Random values in random bytes, in every form and wherever.
    #[test]
    fn a_value_never_passes_in_any_form(
        value in prop::collection::vec(any::<u8>(), 6..80),
        before: Vec<u8>,
        after: Vec<u8>,
        pick: prop::sample::Index,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let secret = valetkey_secret::IssuedToken::new(zeroize::Zeroizing::new(value.clone()));
        let shapes = Shapes::of(&secret, Some("u"));
        let needles = Arc::new(Needles::new([&shapes]).unwrap());
        let all = forms(&value, std::iter::once("u"));
        let form = pick.get(&all);
        let text = [&before[..], form, &after[..]].concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut at = 0;
        for cut in cuts {
            pieces.push(&text[at..cut]);
            at = cut;
        }
        pieces.push(&text[at..]);
        let (out, found) = scrub(&needles, &pieces);
        prop_assert!(found >= 1);
        prop_assert_eq!(out.len(), text.len());
        let masked = &out[before.len()..before.len() + form.len()];
        prop_assert!(masked.iter().all(|byte| *byte == b'x'));
        prop_assert_eq!(&out[..before.len()], &before[..]);
        prop_assert_eq!(&out[before.len() + form.len()..], &after[..]);
    }
}
