//! A permit issues one token.

use valetkey_core::{LeaseId, Moment, request::Permit};
use valetkey_secret::IssuedToken;

fn twice(permit: Permit, one: IssuedToken, other: IssuedToken, lease: LeaseId, now: Moment) {
    let _first = permit.issue(one, lease, now);
    let _second = permit.issue(other, lease, now);
}

fn main() {}
