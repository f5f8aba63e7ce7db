//! A secret is not printed, for people or for programmers.

use valetkey_secret::{IssuedToken, RefreshToken, RootSecret, SigningSeed};

fn print(a: &IssuedToken, b: &RefreshToken, c: &RootSecret, d: &SigningSeed) -> [String; 5] {
    [
        format!("{a:?}"),
        format!("{b:?}"),
        format!("{c:?}"),
        format!("{d:?}"),
        format!("{a}"),
    ]
}

fn main() {}
