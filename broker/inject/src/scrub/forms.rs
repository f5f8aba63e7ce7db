//! How a value may come back.
//!
//! Letters count in either case everywhere, which covers the digits of hexadecimal and of percent-encoding
//! however they are mixed, and a server that writes a header in upper case. Not covered: a value that is
//! cut into pieces, reversed, encoded twice (but for base64 of what Basic authentication is), wrapped in
//! lines as base64, compressed or encrypted inside of the body, or hashed.

mod mixed;

use base64::{
    Engine as _,
    engine::{GeneralPurpose, general_purpose::STANDARD, general_purpose::URL_SAFE},
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// What `encodeURIComponent` and most libraries leave alone: the unreserved (RFC 3986 section 2.3).
pub(crate) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What [`crate::into_head`] encodes in a segment of a path: all but what RFC 3986 section 3.3 lets stand
/// there, and the semicolon, which some servers cut at.
pub(crate) const SEGMENT: &AsciiSet = &COMPONENT
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');
/// What a lax writer of URLs encodes (WHATWG URL, "query percent-encode set").
const LAX: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'%');

/// As a form sends it (WHATWG URL, "application/x-www-form-urlencoded percent-encode set"), but for spaces.
const FORM: &AsciiSet = &COMPONENT.remove(b'*').add(b'~').remove(b' ');

/// Values shorter than this, in bytes, are searched for as they are only: what they encode to is too
/// likely to stand there by chance.
const SHORT: usize = 6;
/// Shortest part of a base64 text that is searched for, in characters.
const BASE64: usize = 8;

/// A form of a value.
pub(super) type Form = Zeroizing<Vec<u8>>;

/// In UTF-16 of either order, without the byte at the edge that the order decides. Only of ASCII, which
/// tokens are made of.
fn wide(value: &[u8]) -> Vec<u8> {
    let mut wide: Vec<u8> = value.iter().flat_map(|byte| [*byte, 0]).collect();
    wide.pop();
    wide
}

/// Every form of `value`, which may have been sent as the password of `users`. None twice.
pub(super) fn forms<'a>(value: &[u8], users: impl Iterator<Item = &'a str>) -> Vec<Form> {
    let mut forms = Forms(Vec::new());
    forms.add(value.to_vec());
    if value.len() >= SHORT {
        for set in [COMPONENT, SEGMENT, LAX] {
            forms.add(percent_encode(value, set).to_string().into());
        }
        forms.add(as_form(value));
        forms.add(each(value, |byte| format!("%{byte:02x}")));
        forms.add(each(value, |byte| format!("{byte:02x}")));
        if value.is_ascii() {
            forms.add(wide(value));
        }
        if let Ok(text) = std::str::from_utf8(value) {
            for escape in [minimal, with_slash, careful] {
                forms.add(json(text, escape));
            }
            forms.add(
                text.encode_utf16()
                    .map(by_number)
                    .collect::<String>()
                    .into(),
            );
            mixed::add(&mut forms, text);
            forms.add(html(text, "&#39;"));
            forms.add(html(text, "&#x27;"));
        }
        for engine in [&STANDARD, &URL_SAFE] {
            for before in 0..3 {
                forms.add_base64(&inner(engine, before, value));
            }
        }
    }
    for user in users {
        let pair = Zeroizing::new([user.as_bytes(), b":", value].concat());
        for engine in [&STANDARD, &URL_SAFE] {
            let text = Zeroizing::new(engine.encode(&pair));
            forms.add_base64(text.trim_end_matches('='));
        }
    }
    forms.0
}

struct Forms(Vec<Form>);

impl Forms {
    fn add(&mut self, form: Vec<u8>) {
        let form = Zeroizing::new(form);
        let known = |one: &Form| one.eq_ignore_ascii_case(&form);
        if !form.is_empty() && !self.0.iter().any(known) {
            self.0.push(form);
        }
    }

    /// A part of a base64 text, which whoever sends it back writes as any other text.
    fn add_base64(&mut self, text: &str) {
        if text.len() < BASE64 {
            return;
        }
        self.add(text.into());
        if text.contains(['+', '/']) {
            self.add(json(text, with_slash));
            mixed::add(self, text);
        }
    }
}

/// The characters of base64 that depend on nothing but `value`, where it stands `before` bytes after a
/// multiple of three.
fn inner(engine: &GeneralPurpose, before: usize, value: &[u8]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.reserve_exact(value.len());
    bytes.extend_from_slice(value);
    let text = Zeroizing::new(engine.encode(&bytes));
    let first = (before * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    Zeroizing::new(text.get(first..end).unwrap_or_default().to_owned())
}

fn as_form(value: &[u8]) -> Vec<u8> {
    let text = Zeroizing::new(percent_encode(value, FORM).to_string());
    text.replace(' ', "+").into()
}

fn each(value: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    value
        .iter()
        .map(|byte| write(*byte))
        .collect::<String>()
        .into()
}

/// Inside of a string of JSON (RFC 8259 section 7).
fn json(text: &str, escape: fn(char) -> bool) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() * 6);
    for character in text.chars() {
        let short = match character {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' => Some("\\/"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            _ => None,
        };
        match short {
            _ if !escape(character) => out.push(character),
            Some(short) => out.push_str(short),
            None => out.extend(
                character
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .copied()
                    .map(by_number),
            ),
        }
    }
    out.into()
}

fn by_number(unit: u16) -> String {
    format!("\\u{unit:04x}")
}

/// What must be escaped.
fn minimal(character: char) -> bool {
    matches!(character, '"' | '\\' | '\0'..='\u{1f}')
}

/// As PHP does.
fn with_slash(character: char) -> bool {
    minimal(character) || character == '/' || !character.is_ascii()
}

/// As Go does, and whatever else may stand in HTML.
fn careful(character: char) -> bool {
    minimal(character) || matches!(character, '<' | '>' | '&') || !character.is_ascii()
}

/// As text of HTML.
fn html(text: &str, apostrophe: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() * 6);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str(apostrophe),
            _ => out.push(character),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::forms;

    fn texts(value: &str, users: &[&str]) -> Vec<String> {
        let forms = forms(value.as_bytes(), users.iter().copied());
        let text = |form: &super::Form| String::from_utf8(form.to_vec()).unwrap();
        forms.iter().map(text).collect()
    }

    #[test]
    fn a_plain_value_has_few_forms() {
        assert_eq!(
            texts("sk-abcdef123", &[]),
            [
                "sk-abcdef123",
                "%73%6b%2d%61%62%63%64%65%66%31%32%33",
                "736b2d616263646566313233",
                "s\0k\0-\0a\0b\0c\0d\0e\0f\x001\x002\x003",
                "\\u0073\\u006b\\u002d\\u0061\\u0062\\u0063\\u0064\\u0065\\u0066\\u0031\\u0032\\u0033",
                "sk%2dabcdef123",
                "sk\\u002dabcdef123",
                "sk&#x2d;abcdef123",
                "sk&#45;abcdef123",
                "c2stYWJjZGVmMTIz",
                "NrLWFiY2RlZjEyM",
                "zay1hYmNkZWYxMj",
            ]
        );
    }

    #[test]
    fn a_value_of_odd_characters_has_many() {
        let all = texts("a/b+c\"d e<ä*~", &[]);
        for form in [
            "a%2Fb%2Bc%22d%20e%3C%C3%A4%2A~",
            "a%2Fb+c%22d%20e%3C%C3%A4*~",
            "a/b+c%22d%20e%3C%C3%A4*~",
            "a%2Fb%2Bc%22d+e%3C%C3%A4*%7E",
            "a/b+c\\\"d e<ä*~",
            "a\\/b+c\\\"d e<\\u00e4*~",
            "a/b+c\\\"d e\\u003c\\u00e4*~",
            "a/b+c&quot;d e&lt;ä*~",
        ] {
            assert!(all.iter().any(|one| one == form), "{form} in {all:#?}");
        }
    }

    /// PHP escapes a slash in JSON, .NET a plus, and a URL both.
    #[test]
    fn base64_is_written_as_any_other_text() {
        let all = texts("p?ssw0rd>123", &["bot"]);
        for form in [
            "Ym90OnA/c3N3MHJkPjEyMw",
            "Ym90OnA\\/c3N3MHJkPjEyMw",
            "Ym90OnA%2fc3N3MHJkPjEyMw",
            "cD9zc3cwcmQ+MTIz",
            "cD9zc3cwcmQ\\u002bMTIz",
            "cD9zc3cwcmQ%2bMTIz",
            "cD9zc3cwcmQ&#x2b;MTIz",
        ] {
            let is_there = |one: &String| one.eq_ignore_ascii_case(form);
            assert!(all.iter().any(is_there), "{form} in {all:#?}");
        }
    }

    #[test]
    fn of_short_passwords_base64_is_searched_too() {
        let all = texts("hunter2", &["me"]);
        for form in ["aHVudGVyMg", "h1bnRlcj", "odW50ZXIy", "bWU6aHVudGVyMg"] {
            let part = |one: &String| form.contains(one.as_str());
            assert!(all.iter().any(part), "{form} in {all:#?}");
        }
    }

    #[test]
    fn a_short_value_is_searched_as_it_is() {
        assert_eq!(texts("a/b+c", &[]), ["a/b+c"]);
        assert_eq!(texts("", &[]), [""; 0]);
        // But not without the user name that it was sent with.
        assert_eq!(texts("a/b+c", &["user"]), ["a/b+c", "dXNlcjphL2IrYw"]);
    }
}
