//! How every door serves a connection, whatever is said on it.

mod allowance;
mod body;
mod calls;
mod connection;
mod ending;
mod meter;
mod peer;
mod seldom;

pub(crate) use allowance::Allowance;
pub(crate) use body::read;
pub(crate) use connection::{Answers, serve};
pub(crate) use ending::Ending;
pub(crate) use peer::{Foreign, admit};
pub(crate) use seldom::Seldom;

use std::time::Duration;

/// How long to rest after a failed `accept`: the usual reason is that descriptors ran out, and then
/// the next attempt fails as well.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long connections that were cut may take to be gone.
pub(crate) const CUT_BOUND: Duration = Duration::from_secs(1);
