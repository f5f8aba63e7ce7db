//! Finds an approval by a part of its id.

use valetkey_sdk::{Code, Error};

use super::view::Approval;
use crate::failure::Failure;

/// Fewer digits than these name nothing.
const DIGITS: usize = 6;

/// The one approval whose id is, begins with or ends with `part`.
pub(super) fn find(approvals: Vec<Approval>, part: &str) -> Result<Approval, Failure> {
    let wanted = digits(part);
    let meant = |approval: &Approval| {
        let id = digits(&approval.id);
        id == wanted
            || (wanted.len() >= DIGITS && (id.starts_with(&wanted) || id.ends_with(&wanted)))
    };
    let mut found: Vec<_> = approvals.into_iter().filter(meant).collect();
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => Ok(one),
        (Some(_), _) => Err(Failure::usage(
            format!("several approvals have `{part}` in their id"),
            "write more of it, or take its end: they begin with the time",
        )),
        (None, _) => {
            let error = Error::new(
                Code::UnknownApproval,
                format!("there is no approval `{part}`"),
            );
            Err(if wanted.len() < DIGITS {
                error
                    .with_next_step(
                        "write at least 6 digits of its id, from the beginning or the end",
                    )
                    .into()
            } else {
                error.into()
            })
        }
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
    use valetkey_sdk::{Code, wire::developer as dev};

    use super::{Approval, find};
    use crate::failure::Failure;

    const ONE: &str = "019a9f00-0000-7000-8000-0000aaaa0001";
    const TWO: &str = "019a9f00-0000-7000-8000-0000bbbb0002";

    fn search(part: &str) -> Result<String, Code> {
        let approvals = [ONE, TWO].map(|id| {
            Approval::from(dev::Approval {
                id: id.to_owned(),
                ..dev::Approval::default()
            })
        });
        find(approvals.into(), part)
            .map(|approval| approval.id)
            .map_err(|failure| match failure {
                Failure::Told(error) => error.code,
                Failure::ReaderGone => panic!("nobody reads"),
            })
    }

    #[test]
    fn an_end_or_a_beginning_that_one_id_has_is_enough() {
        assert_eq!(search(ONE).as_deref(), Ok(ONE));
        assert_eq!(search("aa0001").as_deref(), Ok(ONE));
        assert_eq!(search("BBBB0002").as_deref(), Ok(TWO));
        assert_eq!(search("8000-0000bbbb0002").as_deref(), Ok(TWO));
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
