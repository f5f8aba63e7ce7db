//! How a line looks: place, hash, and the record's own bytes, so that the chain can be computed anew.

use serde::{Deserialize, de::IgnoredAny};
use valetkey_core::ports::Entry;

use crate::trouble::Trouble;

/// How every line begins.
const BEGINNING: &[u8] = b"{\"sequence\":";

/// The last line of a file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Last {
    /// The record's place.
    pub(crate) sequence: u64,
    /// Its chained hash.
    pub(crate) hash: String,
}

impl Last {
    /// Reads a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Trouble> {
        if !may_begin(line) {
            return Err(Trouble::Foreign);
        }
        serde_json::from_slice(line).map_err(|_| Trouble::Foreign)
    }
}

/// Whether these bytes may be the beginning of a line: all that is left of one that was torn.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    bytes.iter().zip(BEGINNING).all(|(one, other)| one == other)
}

/// Appends an entry's line to `out`.
pub(crate) fn write(entry: &Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(BEGINNING);
    out.extend_from_slice(entry.sequence.to_string().as_bytes());
    out.extend_from_slice(b",\"hash\":\"");
    out.extend_from_slice(entry.hash.as_bytes());
    if is_one_value(&entry.record) {
        out.extend_from_slice(b"\",\"record\":");
        out.extend_from_slice(&entry.record);
    } else {
        // Somebody edited the database. What it says now is told too, and can forge no line.
        out.extend_from_slice(b"\",\"damaged\":");
        let text = String::from_utf8_lossy(&entry.record).into_owned();
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

/// Whether the bytes are one JSON value on one line.
fn is_one_value(record: &[u8]) -> bool {
    !record.contains(&b'\n') && serde_json::from_slice::<IgnoredAny>(record).is_ok()
}

#[cfg(test)]
mod tests {
    use valetkey_core::ports::Entry;

    use super::{Last, may_begin, write};

    fn line(record: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let entry = Entry {
            sequence: 7,
            record: record.to_vec(),
            hash: "ab".to_owned(),
        };
        write(&entry, &mut out);
        out
    }

    #[test]
    fn a_line_keeps_the_records_bytes() {
        let out = line(b"{\"b\":1,  \"a\":2}");
        assert_eq!(
            out,
            b"{\"sequence\":7,\"hash\":\"ab\",\"record\":{\"b\":1,  \"a\":2}}\n"
        );
        let last = Last::parse(out.trim_ascii_end()).unwrap();
        assert_eq!((last.sequence, last.hash.as_str()), (7, "ab"));
    }

    #[test]
    fn an_edited_record_forges_no_line() {
        for record in [
            &b"{}}\n{\"sequence\":8,\"hash\":\"cd\",\"record\":{}"[..],
            b"{\n}",
            b"{} {}",
            b"\xff",
            b"",
        ] {
            let out = line(record);
            assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            assert!(String::from_utf8(out).unwrap().contains("\"damaged\":\""));
        }
    }

    #[test]
    fn what_is_torn_is_known_by_its_beginning() {
        for torn in [&b""[..], b"{\"seq", b"{\"sequence\":12,\"ha"] {
            assert!(may_begin(torn));
        }
        assert!(!may_begin(b"my diary"));
    }
}
