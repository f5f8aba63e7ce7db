//! Approvals outlive a restart; a request that waits for one does not.

use valetkey_core::request::Pending;

fn store(pending: &Pending) -> Vec<u8> {
    serde_json::to_vec(pending).unwrap_or_default()
}

fn main() {}
