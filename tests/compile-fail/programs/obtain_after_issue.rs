//! A permit that has issued obtains nothing more.

use valetkey_core::{LeaseId, Moment, ports::Sources, request::Permit};
use valetkey_secret::IssuedToken;

fn again(permit: Permit, token: IssuedToken, sources: &dyn Sources, lease: LeaseId, now: Moment) {
    let _issued = permit.issue(token, lease, now);
    drop(sources.obtain(&permit, lease, now));
}

fn main() {}
