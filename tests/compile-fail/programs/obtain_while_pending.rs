//! A request that waits for an approval obtains nothing.

use valetkey_core::{LeaseId, Moment, ports::Sources, request::Pending};

fn obtain(sources: &dyn Sources, pending: &Pending, lease: LeaseId, now: Moment) {
    drop(sources.obtain(pending, lease, now));
}

fn main() {}
