//! Decodings that a server would do, byte by byte, without allocation. They are lenient: what is not
//! encoded well stays as it is or is left out, because they serve to find, not to read.

/// `%XX` as the byte (RFC 3986 section 2.1), in either case.
pub(crate) fn percent(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        rest = after;
        if let (b'%', [high, low, after @ ..]) = (*first, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            rest = after;
            return Some(high << 4 | low);
        }
        Some(*first)
    })
}

/// Base64 of either alphabet (RFC 4648 sections 4 and 5); everything else, such as padding, is passed over.
pub(crate) fn base64(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut characters = bytes.iter();
    let (mut kept, mut bits) = (0_u16, 0_u8);
    std::iter::from_fn(move || {
        loop {
            let Some(sextet) = sextet(*characters.next()?) else {
                continue;
            };
            kept = kept << 6 | u16::from(sextet);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                let byte = kept >> bits;
                kept &= (1 << bits) - 1;
                return Some(byte.to_be_bytes()[1]);
            }
        }
    })
}

/// What follows `Basic ` in an authorization (RFC 7617 section 2), in any case.
pub(crate) fn basic(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii_start();
    let (scheme, rest) = value.split_at_checked(5)?;
    let is_basic = scheme.eq_ignore_ascii_case(b"basic") && rest.first()?.is_ascii_whitespace();
    is_basic.then_some(rest)
}

/// Whether `part` stands in `whole`. Nothing stands nowhere.
pub(crate) fn holds(whole: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

fn digit(character: u8) -> Option<u8> {
    let value = char::from(character).to_digit(16)?;
    u8::try_from(value).ok()
}

fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::{base64, basic, holds, percent};

    #[test]
    fn what_is_not_encoded_stays() {
        for (text, read) in [
            ("%41b%2f%2F", "Ab//"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%", "%zz%"),
            ("%%41", "%A"),
        ] {
            assert_eq!(
                percent(text.as_bytes()).collect::<Vec<_>>(),
                read.as_bytes()
            );
        }
    }

    #[test]
    fn basic_is_read_in_any_case() {
        assert_eq!(basic(b"Basic abc"), Some(&b" abc"[..]));
        assert_eq!(basic(b" bASIC\tabc"), Some(&b"\tabc"[..]));
        assert_eq!(basic(b"Basicabc"), None);
        assert_eq!(basic(b"Bearer abc"), None);
        assert!(!holds(b"abc", b"") && !holds(b"ab", b"abc") && holds(b"abc", b"bc"));
    }

    proptest! {
        #[test]
        fn either_alphabet_is_read_back(bytes: Vec<u8>) {
            for text in [BASE64_STANDARD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
                prop_assert_eq!(&base64(text.as_bytes()).collect::<Vec<_>>(), &bytes);
            }
        }
    }
}
