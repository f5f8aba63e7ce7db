//! There is no permit that comes from nothing.

use valetkey_core::request::Permit;

fn from_nothing() -> Permit {
    Default::default()
}

fn main() {}
