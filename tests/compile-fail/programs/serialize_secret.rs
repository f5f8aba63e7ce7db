//! A secret is not serialized.

use valetkey_secret::IssuedToken;

fn serialize(token: &IssuedToken) -> serde_json::Result<String> {
    serde_json::to_string(token)
}

fn main() {}
