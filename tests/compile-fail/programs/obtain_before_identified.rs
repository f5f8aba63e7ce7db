//! A request of an unknown caller obtains nothing.

use valetkey_core::{LeaseId, Moment, ports::Sources, request::Received};

fn obtain(sources: &dyn Sources, received: &Received, lease: LeaseId, now: Moment) {
    drop(sources.obtain(received, lease, now));
}

fn main() {}
