//! A receipt is not made from another record's receipt.

use valetkey_core::{ports::Receipt, record::RecordDigest};

fn for_another(receipt: Receipt, digest: RecordDigest) -> Receipt {
    Receipt { digest, ..receipt }
}

fn main() {}
