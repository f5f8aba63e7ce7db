//! A judgement may be a refusal, so it obtains nothing: whoever wants the permit in it has to look.

use valetkey_core::{LeaseId, Moment, ports::Sources, request::Judged};

fn obtain(sources: &dyn Sources, judged: &Judged, lease: LeaseId, now: Moment) {
    drop(sources.obtain(judged, lease, now));
}

fn main() {}
