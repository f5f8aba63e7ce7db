//! One receipt releases one token.

use valetkey_core::{ports::Receipt, request::Issued};

fn twice(issued: Issued, receipt: &Receipt) {
    let _first = issued.release(receipt);
    let _second = issued.release(receipt);
}

fn main() {}
