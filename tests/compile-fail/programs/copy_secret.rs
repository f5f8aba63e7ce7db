//! A secret is not copied: each copy would be one more to wipe.

use valetkey_secret::RootSecret;

fn copy(secret: &RootSecret) -> RootSecret {
    Clone::clone(secret)
}

fn main() {}
