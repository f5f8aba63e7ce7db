//! Paths in what is said. A name is any bytes, and a message is text.

use std::{
    ffi::OsString,
    fmt::Write as _,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// A path, which is said as the digits of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Spelled(PathBuf);

impl AsRef<Path> for Spelled {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl From<PathBuf> for Spelled {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl From<Spelled> for String {
    fn from(Spelled(path): Spelled) -> Self {
        let mut text = Self::new();
        for byte in path.as_os_str().as_bytes() {
            // Into a text nothing fails.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl TryFrom<String> for Spelled {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digit = |byte: &u8| {
            let digit = char::from(*byte).to_digit(16);
            digit.and_then(|digit| u8::try_from(digit).ok())
        };
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        let bytes = bytes.ok_or("a path that is not spelled out in digits")?;
        Ok(Self(OsString::from_vec(bytes).into()))
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

    use super::Spelled;

    #[test]
    fn whatever_a_name_is_it_comes_back() {
        for name in [&b"/a b"[..], b"/\xff\n\"", "/\u{e4}".as_bytes(), b""] {
            let path = Spelled::from(PathBuf::from(OsStr::from_bytes(name)));
            let text = serde_json::to_string(&path).unwrap();
            assert_eq!(text.len(), name.len() * 2 + 2);
            assert_eq!(serde_json::from_str::<Spelled>(&text).unwrap(), path);
        }
        for text in ["2", "2g", "+1", "\u{e4}"] {
            Spelled::try_from(text.to_owned()).unwrap_err();
        }
    }
}
