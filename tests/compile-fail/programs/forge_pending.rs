//! Nobody writes a request down as one that was judged.

use valetkey_core::request::Pending;

fn forge(from: Pending) -> Pending {
    Pending { ..from }
}

fn main() {}
