//! Secrets are not compared with `==`, which stops at the first difference and so tells where it is.

use valetkey_secret::RefreshToken;

fn compare(one: &RefreshToken, other: &RefreshToken) -> bool {
    one == other
}

fn main() {}
