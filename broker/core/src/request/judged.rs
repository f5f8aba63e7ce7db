//! The policies have spoken.

use super::Permit;
use crate::Refusal;

/// The third state of a request.
#[must_use]
#[derive(Debug)]
pub enum Judged {
    /// It may go on.
    Permit(Permit),
    /// It ends here.
    Refused(Refusal),
}
