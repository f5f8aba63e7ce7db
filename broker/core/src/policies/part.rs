//! A request, by a part of its id.

use std::fmt;

use crate::RequestId;

/// The beginning or the end of an id, or all of it: 6 to 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part(String);

impl Part {
    /// Reads one; hyphens and capitals make no difference.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.chars().filter(|c| *c != '-');
        let digits: String = digits.map(|c| c.to_ascii_lowercase()).collect();
        let fine =
            (6..=32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        fine.then_some(Self(digits))
    }

    /// Whether it is of that id.
    pub(super) fn is_of(&self, request: RequestId) -> bool {
        let id = request.to_string();
        id.starts_with(&self.0) || id.ends_with(&self.0)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Part;
    use crate::RequestId;

    #[test]
    fn a_beginning_or_an_end_is_of_an_id() {
        let id = RequestId::parse("0198c0de000070008000000000000bad").unwrap();
        let of = |text: &str| Part::parse(text).map(|part| part.is_of(id));
        for part in ["0198c0", "000bad", "0198C0DE-0000-7000-8000-000000000BAD"] {
            assert_eq!(of(part), Some(true), "{part}");
        }
        assert_eq!(of("c0de00"), Some(false));
        assert_eq!(of("1234567"), Some(false));
        for wrong in ["", "00bad", "request", "0198c0de000070008000000000000bad0"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
