//! A request that no policy has judged obtains nothing.

use valetkey_core::{LeaseId, Moment, ports::Sources, request::Identified};

fn obtain(sources: &dyn Sources, identified: &Identified, lease: LeaseId, now: Moment) {
    drop(sources.obtain(identified, lease, now));
}

fn main() {}
