//! Puts a value into a head.
//!
//! | file | idea |
//! |---|---|
//! | `header` | a header of its own, and Basic authentication |
//! | `cookie` | one cookie among others |
//! | `target` | a parameter of the query, and a part of the path |

mod cookie;
mod header;
mod target;

use http::{HeaderName, HeaderValue, request::Parts};
use valetkey_core::{Injection, Placement};
use valetkey_secret::{Destination, IssuedToken};

use crate::PlaceError;

/// Whether the value is in the request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a request that did not ask for the value does not have it"]
pub enum Placed {
    /// It is.
    Yes,
    /// Its placeholder is not where it goes, and it does not go there unasked. Nothing was changed.
    NotAsked,
}

/// Puts the value where the injection says: in place of whatever is there, once, and not where it was not
/// asked for. What else is in the head stays byte for byte, but cookies, which come to stand in one header.
///
/// The whole of the header, parameter or cookie is replaced, also where the placeholder is a part of it. In
/// the path, where a value never goes unasked, the placeholder itself is.
///
/// A header that holds the value is marked as sensitive. A *target* cannot be: do not show it to anybody
/// after this, not even in a log.
///
/// # Errors
/// Where the value cannot stand there, or this injection is none into a head.
pub fn into_head(
    parts: &mut Parts,
    injection: &Injection,
    value: &IssuedToken,
    placeholder: Option<&str>,
) -> Result<Placed, PlaceError> {
    let asked = Asked {
        placeholder: placeholder.filter(|one| !one.is_empty()),
        always: injection.always,
    };
    value.disclose(Destination::EgressRequest, |value| match &injection.place {
        Placement::Header { name, prefix } => header::set(parts, name, prefix, value, asked),
        Placement::Basic { user } => header::basic(parts, user, value, asked),
        Placement::Query { name } => target::query(parts, name, value, asked),
        Placement::Cookie { name } => cookie::set(parts, name, value, asked),
        Placement::Path => target::path(parts, value, asked),
        Placement::Body { .. } | Placement::WebSocket { .. } | Placement::SigV4 { .. } => {
            Err(PlaceError::NotInHead)
        }
    })
}

/// Whether the whole body is needed before the request can go on: for a body, and for a signature where
/// the head does not say what is to be signed of it.
pub fn needs_body(injection: &Injection, parts: &Parts) -> bool {
    match injection.place {
        Placement::Body { .. } => true,
        Placement::SigV4 { .. } => !parts.headers.contains_key(crate::sigv4::CONTENT_HASH),
        _ => false,
    }
}

/// Whether the value goes there.
#[derive(Clone, Copy)]
struct Asked<'a> {
    placeholder: Option<&'a str>,
    always: bool,
}

impl Asked<'_> {
    /// Told what stands at the place.
    fn by(self, mut there: impl Iterator<Item = Vec<u8>>) -> bool {
        let holds = |part: &str| there.any(|whole| crate::decode::holds(&whole, part.as_bytes()));
        self.always || self.placeholder.is_some_and(holds)
    }
}

/// A value for the wire that no log shows.
fn sensitive(bytes: &[u8], wrong: PlaceError) -> Result<HeaderValue, PlaceError> {
    let mut value = HeaderValue::from_bytes(bytes).map_err(|_| wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

fn named(name: &str) -> Result<HeaderName, PlaceError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| PlaceError::BadName)
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
