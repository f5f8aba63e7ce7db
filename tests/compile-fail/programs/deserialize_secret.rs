//! A secret is not read by a deserializer, whose buffers nobody wipes.

use valetkey_secret::RefreshToken;

fn read(text: &str) -> serde_json::Result<RefreshToken> {
    serde_json::from_str(text)
}

fn main() {}
