//! Reads the head of a request, strictly: where two readers could see different hosts, nothing passes.

mod authority;
mod door;
mod framing;
mod hop;
mod inside;

pub(crate) use door::{Wanted, at_the_door};
pub(crate) use framing::upgrades;
pub(crate) use hop::strip;
pub(crate) use inside::inside;

use valetkey_codes::Code;
use valetkey_core::Refusal;

fn mismatch(words: &str) -> Refusal {
    Refusal::new(Code::TargetMismatch).saying(words)
}

fn invalid(words: &str) -> Refusal {
    Refusal::new(Code::InvalidRequest).saying(words)
}
