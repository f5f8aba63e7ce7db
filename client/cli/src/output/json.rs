//! JSON that is safe to look at: everything but printable ASCII is escaped, which loses nothing.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, json, ser::Formatter};
use valetkey_sdk::Error;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// One line. The buffer is wiped, because there may be a token in it.
pub(super) fn line(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // With room from the start: a buffer that grows leaves copies behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(16 << 10));
    value
        .serialize(&mut Serializer::with_formatter(&mut *buffer, Ascii))
        .map_err(|error| Failure::local(format!("this cannot be written as JSON: {error}")))?;
    buffer.push(b'\n');
    Ok(buffer)
}

/// A failure, as standard error shows it to a program.
pub(super) fn failure(error: &Error) -> Vec<u8> {
    let value = json!({
        "error": error.code.id(),
        "message": error.message,
        "next_step": error.next_step,
        "request": error.request,
        "approval": error.approval,
        "retry": error.code.row().retry.id(),
    });
    line(&value).map_or_else(|_| Vec::new(), |line| line.to_vec())
}

/// Compact, in ASCII. JSON itself lets C1 controls and bidirectional overrides through.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn nothing_but_printable_ascii_comes_out_and_nothing_is_lost() {
        let text = "a\u{1b}\u{9b}\u{202e}\"\\ü\u{1f600}\u{7f}\n";
        let written = line(&text).unwrap();
        let (end, body) = written.split_last().unwrap();
        assert_eq!(*end, b'\n');
        assert!(body.iter().all(|byte| matches!(byte, b' '..=b'~')));
        assert_eq!(serde_json::from_slice::<String>(body).unwrap(), text);
    }
}
