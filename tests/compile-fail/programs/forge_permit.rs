//! Nobody writes a permit down.

use valetkey_core::request::Permit;

fn forge(from: Permit) -> Permit {
    Permit { ..from }
}

fn main() {}
