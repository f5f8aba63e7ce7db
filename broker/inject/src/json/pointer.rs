//! What a JSON pointer says (RFC 6901).

use crate::PlaceError;

/// Its tokens; none for the whole document.
pub(super) fn parse(pointer: &str) -> Result<Vec<String>, PlaceError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = pointer.strip_prefix('/').ok_or(PlaceError::NotPointer)?;
    tokens.split('/').map(token).collect()
}

/// The index that a token stands for (section 4): without leading zeros. `-`, the element after the last,
/// is none.
pub(super) fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let index = token.parse().ok()?;
    (digits && (index == 0 || !token.starts_with('0')) && (index != 0 || token == "0"))
        .then_some(index)
}

fn token(raw: &str) -> Result<String, PlaceError> {
    let mut token = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        token.push(match character {
            '~' => match characters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(PlaceError::NotPointer),
            },
            other => other,
        });
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::{index, parse};

    #[test]
    fn tokens_are_unescaped() {
        for (pointer, tokens) in [
            ("", &[][..]),
            ("/", &[""]),
            ("/a/b", &["a", "b"]),
            ("/a~1b/m~0n/~01", &["a/b", "m~n", "~1"]),
            ("//x", &["", "x"]),
        ] {
            assert_eq!(parse(pointer).unwrap(), tokens, "{pointer}");
        }
        for bad in ["a", "a/b", "/~", "/~2", "#/a"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_index_has_one_spelling() {
        assert_eq!([index("0"), index("10")], [Some(0), Some(10)]);
        for bad in [
            "",
            "-",
            "00",
            "01",
            "+1",
            "-1",
            "1.0",
            "99999999999999999999",
        ] {
            assert_eq!(index(bad), None, "{bad}");
        }
    }
}
