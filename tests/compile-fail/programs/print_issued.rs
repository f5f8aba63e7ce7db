//! The states that hold a token are not printed either.

use valetkey_core::request::{Issued, Released};

fn print(issued: &Issued, released: &Released) -> [String; 2] {
    [format!("{issued:?}"), format!("{released:?}")]
}

fn main() {}
