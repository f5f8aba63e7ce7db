//! An approval obtains nothing.

use valetkey_core::{Approval, LeaseId, Moment, ports::Sources};

fn obtain(sources: &dyn Sources, approval: &Approval, lease: LeaseId, now: Moment) {
    drop(sources.obtain(approval, lease, now));
}

fn main() {}
