//! A header of its own, and Basic authentication.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{header::AUTHORIZATION, request::Parts};
use zeroize::Zeroizing;

use super::{Asked, Placed, named, sensitive};
use crate::{PlaceError, decode};

/// `prefix` and the value as the only value of the header.
pub(super) fn set(
    parts: &mut Parts,
    name: &str,
    prefix: &str,
    value: &[u8],
    asked: Asked<'_>,
) -> Result<Placed, PlaceError> {
    let name = named(name)?;
    let there = parts.headers.get_all(&name).into_iter();
    if !asked.by(there.map(|one| one.as_bytes().to_vec())) {
        return Ok(Placed::NotAsked);
    }
    if !prefix.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err(PlaceError::BadName);
    }
    if value.is_empty() || !value.iter().all(u8::is_ascii_graphic) {
        return Err(PlaceError::NotForHeader);
    }
    let whole = Zeroizing::new([prefix.as_bytes(), value].concat());
    let whole = sensitive(&whole, PlaceError::NotForHeader)?;
    parts.headers.insert(name, whole);
    Ok(Placed::Yes)
}

/// The value as the password of `user` (RFC 7617).
pub(super) fn basic(
    parts: &mut Parts,
    user: &str,
    value: &[u8],
    asked: Asked<'_>,
) -> Result<Placed, PlaceError> {
    let there = parts.headers.get_all(AUTHORIZATION).into_iter();
    let encoded = there.filter_map(|one| decode::basic(one.as_bytes()));
    if !asked.by(encoded.map(|encoded| decode::base64(encoded).collect())) {
        return Ok(Placed::NotAsked);
    }
    let control = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_control);
    if value.is_empty() || control(value) || control(user.as_bytes()) || user.contains(':') {
        return Err(PlaceError::NotForBasic);
    }
    let pair = Zeroizing::new([user.as_bytes(), b":", value].concat());
    let mut whole = Zeroizing::new(String::with_capacity(6 + pair.len().div_ceil(3) * 4));
    whole.push_str("Basic ");
    BASE64_STANDARD.encode_string(&pair, &mut whole);
    let whole = sensitive(whole.as_bytes(), PlaceError::NotForBasic)?;
    parts.headers.insert(AUTHORIZATION, whole);
    Ok(Placed::Yes)
}

#[cfg(test)]
mod tests {
    use valetkey_core::Placement;

    use super::super::testing::{PLACEHOLDER, head, into, shown};
    use crate::{PlaceError, Placed};

    fn bearer() -> Placement {
        Placement::Header {
            name: "authorization".into(),
            prefix: "Bearer ".into(),
        }
    }

    fn basic() -> Placement {
        Placement::Basic { user: "bot".into() }
    }

    #[test]
    fn a_header_is_replaced_as_a_whole_and_once() {
        let bearer_of = format!("token {PLACEHOLDER}");
        let mut parts = head(
            "/",
            &[
                ("authorization", &bearer_of),
                ("Authorization", "other"),
                ("a", "b"),
            ],
        );
        assert_eq!(into(&mut parts, bearer(), "v4lue", false), Ok(Placed::Yes));
        assert_eq!(shown(&parts), ["a: b", "authorization: Bearer v4lue"]);
        assert!(parts.headers["authorization"].is_sensitive());
    }

    #[test]
    fn nothing_is_set_unasked() {
        let elsewhere = PLACEHOLDER.replacen('g', "Bearer ", 1);
        for (name, value) in [
            ("authorization", elsewhere.as_str()),
            ("x-key", PLACEHOLDER),
        ] {
            for place in [bearer(), basic()] {
                let mut parts = head("/", &[(name, value)]);
                let done = into(&mut parts, place, "v4lue", false);
                assert_eq!(done, Ok(Placed::NotAsked));
                assert_eq!(shown(&parts), [format!("{name}: {value}")]);
            }
        }
    }

    #[test]
    fn always_sets_what_is_not_there() {
        let mut parts = head("/", &[]);
        assert_eq!(into(&mut parts, bearer(), "v4lue", true), Ok(Placed::Yes));
        assert_eq!(shown(&parts), ["authorization: Bearer v4lue"]);
        assert_eq!(into(&mut parts, basic(), "v4lue", true), Ok(Placed::Yes));
        assert_eq!(shown(&parts), ["authorization: Basic Ym90OnY0bHVl"]);
    }

    #[test]
    fn a_password_is_found_in_what_basic_encodes() {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let sent = BASE64_STANDARD.encode(format!("anybody:{PLACEHOLDER}"));
        let mut parts = head("/", &[("authorization", &format!("basic {sent}"))]);
        assert_eq!(into(&mut parts, basic(), "v4 lüe", false), Ok(Placed::Yes));
        assert_eq!(shown(&parts), ["authorization: Basic Ym90OnY0IGzDvGU="]);
        assert!(parts.headers["authorization"].is_sensitive());
    }

    #[test]
    fn what_cannot_stand_there_is_refused_and_not_quoted() {
        for value in ["a\nb", "a\r\nx: y", "a b", "ä", "a\0", "tail\n", ""] {
            let mut parts = head("/", &[]);
            let wrong = into(&mut parts, bearer(), value, true).unwrap_err();
            assert_eq!(wrong, PlaceError::NotForHeader);
            assert!(shown(&parts).is_empty());
        }
        for value in ["a\nb", "a\u{7f}", ""] {
            let wrong = into(&mut head("/", &[]), basic(), value, true);
            assert_eq!(wrong, Err(PlaceError::NotForBasic));
        }
        let colon = Placement::Basic { user: "a:b".into() };
        let wrong = into(&mut head("/", &[]), colon, "v", true);
        assert_eq!(wrong, Err(PlaceError::NotForBasic));
        for (name, prefix) in [("a b", ""), ("", ""), ("a", "x\n")] {
            let (name, prefix) = (name.to_owned(), prefix.to_owned());
            let place = Placement::Header { name, prefix };
            let wrong = into(&mut head("/", &[]), place, "v", true);
            assert_eq!(wrong, Err(PlaceError::BadName));
        }
    }
}
