//! A struct that holds a secret cannot derive Debug: its author must stop and think.

use valetkey_secret::RefreshToken;

#[derive(Debug)]
struct Login {
    account: String,
    token: RefreshToken,
}

fn main() {}
