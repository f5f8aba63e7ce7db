//! A secret leaves by `disclose` and by no other door.

use valetkey_secret::{Destination, IssuedToken};

fn by_field(token: IssuedToken) {
    let _bytes = token.0;
}

fn by_another_door(token: &IssuedToken) -> &[u8] {
    token.as_ref()
}

fn lent_for_longer(token: &IssuedToken) -> &[u8] {
    token.disclose(Destination::AgentReply, |bytes| bytes)
}

fn main() {}
