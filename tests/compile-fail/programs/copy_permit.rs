//! One permit does not become two.

use valetkey_core::request::Permit;

fn two(permit: &Permit) -> Permit {
    Clone::clone(permit)
}

fn main() {}
