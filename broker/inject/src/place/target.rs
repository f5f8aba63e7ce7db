//! A parameter of the query, and a part of the path (RFC 3986).

use http::{Uri, request::Parts, uri::PathAndQuery};
use percent_encoding::percent_encode;
use zeroize::Zeroizing;

use super::{Asked, Placed};
use crate::{
    PlaceError, decode,
    scrub::{COMPONENT, SEGMENT},
};

/// The value as the only parameter of that name: where the first one is, or at the end. Names are compared
/// as a server reads them: percent-decoded, and with `+` as a space.
pub(super) fn query(
    parts: &mut Parts,
    name: &str,
    value: &[u8],
    asked: Asked<'_>,
) -> Result<Placed, PlaceError> {
    let query = parts.uri.query().unwrap_or_default();
    let is_named = |one: &&str| read(one.split('=').next().unwrap_or_default()) == name.as_bytes();
    let same = query.split('&').filter(is_named);
    if !asked.by(same.map(read)) {
        return Ok(Placed::NotAsked);
    }
    let path = parts.uri.path();
    let most = path.len() + query.len() + 3 * (name.len() + value.len()) + 3;
    let mut target = Zeroizing::new(String::with_capacity(most));
    target.push_str(path);
    let mut between = '?';
    let mut add = |pieces: &mut dyn Iterator<Item = &str>| {
        target.push(between);
        pieces.for_each(|piece| target.push_str(piece));
        between = '&';
    };
    let encoded = |bytes| percent_encode(bytes, COMPONENT);
    let mut own = encoded(name.as_bytes()).chain(["="]).chain(encoded(value));
    let mut set = false;
    for one in query.split('&').filter(|_| !query.is_empty()) {
        if !is_named(&one) {
            add(&mut [one].into_iter());
        } else if !set {
            set = true;
            add(&mut own);
        }
    }
    if !set {
        add(&mut own);
    }
    replace(&mut parts.uri, &target)
}

/// The value in place of its placeholder, wherever that stands in the path as it is.
pub(super) fn path(
    parts: &mut Parts,
    value: &[u8],
    asked: Asked<'_>,
) -> Result<Placed, PlaceError> {
    let path = parts.uri.path();
    let Some(placeholder) = asked.placeholder.filter(|one| path.contains(one)) else {
        return Ok(Placed::NotAsked);
    };
    if value.is_empty() || value == b"." || value == b".." {
        return Err(PlaceError::NotForPath);
    }
    let times = path.matches(placeholder).count();
    let query = parts.uri.query();
    let most = path.len() + times * 3 * value.len() + query.map_or(0, str::len) + 1;
    let mut target = Zeroizing::new(String::with_capacity(most));
    for (nth, piece) in path.split(placeholder).enumerate() {
        if nth > 0 {
            percent_encode(value, SEGMENT).for_each(|piece| target.push_str(piece));
        }
        target.push_str(piece);
    }
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    replace(&mut parts.uri, &target)
}

fn read(encoded: &str) -> Vec<u8> {
    decode::percent(encoded.replace('+', " ").as_bytes()).collect()
}

fn replace(uri: &mut Uri, target: &str) -> Result<Placed, PlaceError> {
    let target = PathAndQuery::try_from(target).map_err(|_| PlaceError::TargetTooLong)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts).map_err(|_| PlaceError::TargetTooLong)?;
    Ok(Placed::Yes)
}

#[cfg(test)]
mod tests {
    use valetkey_core::Placement;

    use super::super::testing::{PLACEHOLDER, head, into};
    use crate::{PlaceError, Placed};

    fn key() -> Placement {
        Placement::Query { name: "key".into() }
    }

    fn after(uri: &str, place: Placement, value: &str, always: bool) -> Option<String> {
        let mut parts = head(uri, &[]);
        let placed = into(&mut parts, place, value, always).unwrap();
        let changed = parts.uri != uri;
        assert_eq!(changed, placed == Placed::Yes, "{uri}");
        changed.then(|| parts.uri.to_string())
    }

    #[test]
    fn a_parameter_is_replaced_once() {
        let p = PLACEHOLDER;
        for (uri, becomes) in [
            (format!("/?key={p}"), Some("/?key=v%264")),
            (
                format!("https://a/x?a=1&key={p}&b=%20+&&"),
                Some("https://a/x?a=1&key=v%264&b=%20+&&"),
            ),
            (
                format!("/?key=1&a&key={p}&%6Bey=2&key"),
                Some("/?key=v%264&a"),
            ),
            (format!("/?%6bey={p}"), Some("/?key=v%264")),
            (
                format!("/?key=%2b{}", p.replace('_', "%5F")),
                Some("/?key=v%264"),
            ),
            (format!("/?keys={p}&Key={p}"), None),
            (format!("/{p}?key=1"), None),
        ] {
            let found = after(&uri, key(), "v&4", false);
            assert_eq!(found.as_deref(), becomes, "{uri}");
        }
    }

    #[test]
    fn always_adds_it_where_it_is_not() {
        for (uri, becomes) in [
            ("/", "/?key=v"),
            ("/?", "/?key=v"),
            ("/x?a=1", "/x?a=1&key=v"),
            ("https://a", "https://a/?key=v"),
            ("/?key=mine&b", "/?key=v&b"),
        ] {
            assert_eq!(
                after(uri, key(), "v", true).as_deref(),
                Some(becomes),
                "{uri}"
            );
        }
    }

    #[test]
    fn a_path_changes_only_at_the_placeholder() {
        let p = PLACEHOLDER;
        for (uri, value, becomes) in [
            (
                format!("/bot{p}/get?a={p}"),
                "12:a",
                Some(format!("/bot12:a/get?a={p}")),
            ),
            (
                format!("https://a/{p}/{p}"),
                "v",
                Some("https://a/v/v".into()),
            ),
            (
                format!("/{p}"),
                "a/../b?c#d%;",
                Some("/a%2F..%2Fb%3Fc%23d%25%3B".into()),
            ),
            (format!("/x?{p}"), "v", None),
            (format!("/{}", p.replace('_', "%5F")), "v", None),
        ] {
            assert_eq!(after(&uri, Placement::Path, value, false), becomes, "{uri}");
        }
        // In a path, even `always` only replaces.
        assert_eq!(after("/x", Placement::Path, "v", true), None);
    }

    #[test]
    fn what_is_no_segment_or_too_long_is_refused() {
        let uri = format!("/{PLACEHOLDER}");
        for value in [".", "..", ""] {
            let wrong = into(&mut head(&uri, &[]), Placement::Path, value, false);
            assert_eq!(wrong, Err(PlaceError::NotForPath));
        }
        let long = "v".repeat(65_535);
        let wrong = into(&mut head(&uri, &[]), Placement::Path, &long, false);
        assert_eq!(wrong, Err(PlaceError::TargetTooLong));
        let wrong = into(&mut head("/", &[]), key(), &long, true);
        assert_eq!(wrong, Err(PlaceError::TargetTooLong));
    }
}
