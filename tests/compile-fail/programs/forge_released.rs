//! Nobody writes a released token down.

use valetkey_core::{Lease, request::Released};
use valetkey_secret::IssuedToken;

fn forge(lease: Lease, token: IssuedToken) -> Released {
    Released { lease, token, approval: None }
}

fn main() {}
