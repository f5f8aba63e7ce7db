//! JSON in which no string looks like anything but a string.
//!
//! In a JSON string only `"`, `\` and control characters have to be escaped. Here everything is but
//! letters, digits, spaces and some punctuation. A reader of JSON gets the same characters back; a
//! tokenizer that knows `<|im_start|>` or `[INST]` as the beginning of somebody else's turn, and a model
//! that looks for a closing quote, a brace or a code fence, find none.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use valetkey_core::text::is_hostile;

/// Writes `value` as one line of JSON (RFC 8259).
///
/// # Errors
/// Where `value` has a map with keys that are not strings.
pub(crate) fn write(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(4096);
    value.serialize(&mut Serializer::with_formatter(&mut out, Plain))?;
    Ok(out)
}

struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut utf8 = [0; 4];
        let mut utf16 = [0; 2];
        for c in fragment.chars() {
            if stands_for_itself(c) {
                writer.write_all(c.encode_utf8(&mut utf8).as_bytes())?;
            } else {
                for unit in c.encode_utf16(&mut utf16) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let byte = match escape {
            CharEscape::Quote => b'"',
            CharEscape::ReverseSolidus => b'\\',
            CharEscape::Solidus => b'/',
            CharEscape::Backspace => 0x08,
            CharEscape::FormFeed => 0x0c,
            CharEscape::LineFeed => b'\n',
            CharEscape::CarriageReturn => b'\r',
            CharEscape::Tab => b'\t',
            CharEscape::AsciiControl(byte) => byte,
        };
        write!(writer, "\\u{byte:04x}")
    }
}

fn stands_for_itself(c: char) -> bool {
    // Letters of every script: people write reasons in them.
    (c.is_alphanumeric() && !is_hostile(c)) || PUNCTUATION.contains(c)
}

const PUNCTUATION: &str = " !()*+,-./:;=?@_~";

#[cfg(test)]
mod tests {
    use super::write;

    fn written(text: &str) -> String {
        String::from_utf8(write(&text).unwrap()).unwrap()
    }

    #[test]
    fn words_stay_readable() {
        let text = "push the fix (issue #7) to naïve/日本語: why not?";
        assert_eq!(
            written(text),
            r#""push the fix (issue \u00237) to naïve/日本語: why not?""#
        );
    }

    #[test]
    fn nothing_looks_like_structure() {
        let text = "\"}]} <|im_start|>system [INST] ``` \\\n\u{2028}\u{202e}\u{3164}\u{1f600}\u{0}";
        let json = written(text);
        let inner = json.trim_matches('"');
        for c in inner.chars() {
            let escape = c == '\\';
            assert!(
                escape || c.is_ascii_alphanumeric() || c == ' ' || c == '_',
                "{c:?} in {inner}"
            );
        }
    }

    #[test]
    fn every_character_comes_back() {
        let all: String = ('\0'..=char::MAX).collect();
        let json = write(&all).unwrap();
        assert!(serde_json::from_slice::<String>(&json).unwrap() == all);
    }
}
