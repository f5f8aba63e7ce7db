//! Nobody but `Issued::release` calls the constructor of what is released.

use valetkey_core::{Lease, request::Released};
use valetkey_secret::IssuedToken;

fn construct(lease: Lease, token: IssuedToken) -> Released {
    Released::new(lease, token, None)
}

fn main() {}
