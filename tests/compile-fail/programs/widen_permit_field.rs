//! The ceilings of a permit are nobody's to reach.

use valetkey_core::request::Permit;

fn widen(permit: &mut Permit) {
    permit.grant.lifetime = 3600;
}

fn main() {}
