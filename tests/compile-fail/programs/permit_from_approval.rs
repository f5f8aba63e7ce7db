//! An approval is no permit, and does not become one.

use valetkey_core::{Approval, request::Permit};

fn forge(approval: Approval) -> Permit {
    approval.into()
}

fn main() {}
