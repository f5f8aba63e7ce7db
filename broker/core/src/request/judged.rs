//! The policies have spoken.

use super::{Pending, Permit};
use crate::Refusal;

/// The third state of a request.
#[must_use]
#[derive(Debug)]
pub enum Judged {
    /// It may go on.
    Permit(Permit),
    /// It needs an approval.
    Pending(Pending),
    /// It ends here.
    Refused(Refusal),
}
