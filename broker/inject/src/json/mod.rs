//! Puts a value into a JSON body.
//!
//! The document is not written anew: only the value at the pointer is cut out and replaced, so that
//! numbers, spaces and the order of keys stay as the agent wrote them.
//!
//! | file | idea |
//! |---|---|
//! | `pointer` | what a JSON pointer says |
//! | `scan` | reads a document strictly, and where in it the pointer leads |

mod pointer;
mod scan;

use valetkey_secret::{Destination, IssuedToken};
use zeroize::Zeroizing;

use crate::{PlaceError, decode};
use scan::Spot;

/// Longest body that a value is put into, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The body with the value, as a string, where the pointer (RFC 6901) leads; `None` where it was not asked
/// for. Asked for it is by a string there that holds the placeholder as it is. With `always`, it replaces
/// whatever is there, or is added to the object that is to have it.
///
/// All else is the same byte for byte; its length is not, so the request's `content-length` must be set.
///
/// # Errors
/// Where the body is longer than [`BODY_LIMIT`], is not JSON text (RFC 8259) in UTF-8, has a key twice in
/// one object, is deeper than 128 or has no such place; where the value is not UTF-8. A body without the
/// placeholder is not read at all where it is not `always` wanted.
pub fn into_json(
    body: &[u8],
    pointer: &str,
    value: &IssuedToken,
    placeholder: Option<&str>,
    always: bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, PlaceError> {
    let placeholder = placeholder.unwrap_or_default().as_bytes();
    if !always && !decode::holds(body, placeholder) {
        return Ok(None);
    }
    if body.len() > BODY_LIMIT {
        return Err(PlaceError::BodyTooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| PlaceError::NotJson)?;
    let pointer = pointer::parse(pointer)?;
    let (before, key, after) = match scan::locate(text, &pointer)? {
        Spot::Value { start, end } => {
            let there = text.get(start..end).unwrap_or_default();
            let asked = serde_json::from_str::<String>(there)
                .is_ok_and(|there| decode::holds(there.as_bytes(), placeholder));
            if !always && !asked {
                return Ok(None);
            }
            (text.get(..start), None, text.get(end..))
        }
        Spot::Member { at, first } if always => {
            let key = pointer.last().map(|key| (first, key));
            (text.get(..at), key, text.get(at..))
        }
        Spot::Nowhere if always => return Err(PlaceError::NoMember),
        Spot::Member { .. } | Spot::Nowhere => return Ok(None),
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    value.disclose(Destination::EgressRequest, |value| {
        let value = std::str::from_utf8(value).map_err(|_| PlaceError::NotForJson)?;
        // Six characters are the most that one is escaped as. A buffer that grows leaves copies behind.
        let key_length = key.map_or(0, |(_, key)| key.len() * 6 + 4);
        let most = body.len() + value.len() * 6 + 2 + key_length;
        let mut out = Zeroizing::new(Vec::with_capacity(most));
        out.extend_from_slice(before.as_bytes());
        if let Some((first, key)) = key {
            if !first {
                out.push(b',');
            }
            string(&mut out, key)?;
            out.push(b':');
        }
        string(&mut out, value)?;
        out.extend_from_slice(after.as_bytes());
        Ok(Some(out))
    })
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<(), PlaceError> {
    serde_json::to_writer(out, text).map_err(|_| PlaceError::NotForJson)
}

#[cfg(test)]
mod tests;
