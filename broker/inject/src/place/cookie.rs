//! One cookie among others (RFC 6265).

use http::{header::COOKIE, request::Parts};
use zeroize::Zeroizing;

use super::{Asked, Placed, sensitive};
use crate::PlaceError;

/// The value as the only cookie of that name; the others follow it, in one header.
pub(super) fn set(
    parts: &mut Parts,
    name: &str,
    value: &[u8],
    asked: Asked<'_>,
) -> Result<Placed, PlaceError> {
    let headers = parts.headers.get_all(COOKIE).into_iter();
    let all = headers.flat_map(|one| one.as_bytes().split(|byte| *byte == b';'));
    let all = all.map(<[u8]>::trim_ascii).filter(|one| !one.is_empty());
    let (same, others): (Vec<_>, Vec<_>) = all.partition(|one| is_named(one, name));
    if !asked.by(same.iter().map(|one| one.to_vec())) {
        return Ok(Placed::NotAsked);
    }
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(PlaceError::BadName);
    }
    if value.is_empty() || !value.iter().copied().all(is_octet) {
        return Err(PlaceError::NotForCookie);
    }
    let length: usize = others.iter().map(|one| one.len() + 2).sum();
    let mut whole = Zeroizing::new(Vec::with_capacity(name.len() + 1 + value.len() + length));
    whole.extend_from_slice(name.as_bytes());
    whole.push(b'=');
    whole.extend_from_slice(value);
    for other in others {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(other);
    }
    let whole = sensitive(&whole, PlaceError::NotForCookie)?;
    parts.headers.insert(COOKIE, whole);
    Ok(Placed::Yes)
}

fn is_named(cookie: &[u8], name: &str) -> bool {
    let own = cookie.split(|byte| *byte == b'=').next();
    own.is_some_and(|own| own.trim_ascii() == name.as_bytes())
}

/// `cookie-octet`, section 4.1.1.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// `tchar`, RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use valetkey_core::Placement;

    use super::super::testing::{PLACEHOLDER, head, into, shown};
    use crate::{PlaceError, Placed};

    fn session() -> Placement {
        Placement::Cookie {
            name: "session".into(),
        }
    }

    #[test]
    fn only_its_own_cookie_is_replaced() {
        let sent = format!("a=1;session=\"{PLACEHOLDER}\"; b=x=y");
        let mut parts = head("/", &[("cookie", &sent), ("cookie", "session=old; c")]);
        assert_eq!(into(&mut parts, session(), "v4lue", false), Ok(Placed::Yes));
        assert_eq!(shown(&parts), ["cookie: session=v4lue; a=1; b=x=y; c"]);
        assert!(parts.headers["cookie"].is_sensitive());
    }

    #[test]
    fn another_cookie_does_not_ask_for_it() {
        let sent = format!("sessions={PLACEHOLDER}; session=; Session={PLACEHOLDER}");
        let mut parts = head("/", &[("cookie", &sent)]);
        assert_eq!(
            into(&mut parts, session(), "v4lue", false),
            Ok(Placed::NotAsked)
        );
        assert_eq!(shown(&parts), [format!("cookie: {sent}")]);
        assert_eq!(into(&mut parts, session(), "v4lue", true), Ok(Placed::Yes));
        let others = format!("sessions={PLACEHOLDER}; Session={PLACEHOLDER}");
        assert_eq!(shown(&parts), [format!("cookie: session=v4lue; {others}")]);
    }

    #[test]
    fn what_cannot_stand_there_is_refused() {
        for value in ["a;b", "a,b", "a b", "\"a\"", "a\\b", "ä", "a\n", ""] {
            let wrong = into(&mut head("/", &[]), session(), value, true);
            assert_eq!(wrong, Err(PlaceError::NotForCookie), "{value:?}");
        }
        for name in ["", "a=b", "a b", "a;"] {
            let place = Placement::Cookie { name: name.into() };
            let wrong = into(&mut head("/", &[]), place, "v", true);
            assert_eq!(wrong, Err(PlaceError::BadName));
        }
    }
}
