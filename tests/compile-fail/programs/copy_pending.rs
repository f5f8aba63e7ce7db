//! One request needs one approval: it is not copied, so that whoever used it up has it no more.

use valetkey_core::request::Pending;

fn twice(pending: &Pending) -> Pending {
    pending.clone()
}

fn main() {}
