//! A permit is not kept: what was true when it was judged grows stale.

use valetkey_core::request::Permit;

fn keep(permit: &Permit) -> String {
    serde_json::to_string(permit).unwrap_or_default()
}

fn main() {}
