//! A request that waits for an approval issues nothing.

use valetkey_core::{LeaseId, Moment, request::Pending};
use valetkey_secret::IssuedToken;

fn issue(pending: Pending, token: IssuedToken, lease: LeaseId, now: Moment) {
    let _issued = pending.issue(token, lease, now);
}

fn main() {}
