//! Finds what is meant by a part of its id.

use valetkey_sdk::{Code, Error};

use crate::failure::Failure;

/// Fewer digits than these name nothing.
const DIGITS: usize = 6;
/// Those of a whole id.
const WHOLE: usize = 32;

/// What is looked for.
pub(crate) struct Kind {
    name: &'static str,
    unknown: Code,
}

pub(crate) const APPROVAL: Kind = Kind {
    name: "approval",
    unknown: Code::UnknownApproval,
};
pub(crate) const SESSION: Kind = Kind {
    name: "session",
    unknown: Code::UnknownSession,
};

impl Kind {
    /// The one whose id is, begins with or ends with `part`.
    pub(crate) fn find<T>(
        &self,
        all: Vec<T>,
        part: &str,
        id: fn(&T) -> &str,
    ) -> Result<T, Failure> {
        let wanted = digits(part);
        let meant = |one: &T| {
            let id = digits(id(one));
            id == wanted
                || (wanted.len() >= DIGITS && (id.starts_with(&wanted) || id.ends_with(&wanted)))
        };
        let mut found: Vec<_> = all.into_iter().filter(meant).collect();
        let name = self.name;
        match (found.pop(), found.as_slice()) {
            (Some(one), []) => Ok(one),
            (Some(_), _) => Err(Failure::usage(
                format!("several {name}s have `{part}` in their id"),
                "write more of it, or take its end: they begin with the time",
            )),
            (None, _) => {
                let error = Error::new(self.unknown, format!("there is no {name} `{part}`"));
                Err(if wanted.len() < DIGITS {
                    let step = "write at least 6 digits of its id, from the beginning or the end";
                    error.with_next_step(step).into()
                } else {
                    error.into()
                })
            }
        }
    }

    /// The whole id of the one that is meant. What could be listed is only asked for where `part` is less.
    pub(crate) async fn id<T>(
        &self,
        part: String,
        list: impl Future<Output = Result<Vec<T>, Error>>,
        id: fn(&T) -> &str,
    ) -> Result<String, Failure> {
        if digits(&part).len() == WHOLE {
            return Ok(part);
        }
        let found = self.find(list.await?, &part, id)?;
        Ok(id(&found).to_owned())
    }
}

/// The digits of a UUID; whether it is written with hyphens or in capitals makes no difference.
fn digits(id: &str) -> String {
    id.chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use valetkey_sdk::Code;

    use super::APPROVAL;
    use crate::failure::Failure;

    const ONE: &str = "019a9f00-0000-7000-8000-0000aaaa0001";
    const TWO: &str = "019a9f00-0000-7000-8000-0000bbbb0002";

    fn search(part: &str) -> Result<&'static str, Code> {
        APPROVAL
            .find([ONE, TWO].into(), part, |id| id)
            .map_err(|failure| match failure {
                Failure::Told(error) => error.code,
                Failure::ReaderGone => panic!("nobody reads"),
            })
    }

    #[test]
    fn an_end_or_a_beginning_that_one_id_has_is_enough() {
        assert_eq!(search(ONE), Ok(ONE));
        assert_eq!(search("aa0001"), Ok(ONE));
        assert_eq!(search("BBBB0002"), Ok(TWO));
        assert_eq!(search("8000-0000bbbb0002"), Ok(TWO));
    }

    #[test]
    fn what_names_two_or_none_or_is_too_short_names_nothing() {
        assert_eq!(search("019a9f"), Err(Code::InvalidRequest));
        assert_eq!(search("cccccc"), Err(Code::UnknownApproval));
        assert_eq!(search("a0001"), Err(Code::UnknownApproval));
        assert_eq!(search(""), Err(Code::UnknownApproval));
        assert_eq!(search("0000aaaa"), Err(Code::UnknownApproval));
    }
}
