//! A request is judged once.

use valetkey_core::{Credentials, Moment, ports::Policy, request::Identified};

fn twice(request: Identified, all: &Credentials, policy: &dyn Policy, now: Moment) {
    let _first = request.judge(all, policy, now);
    let _second = request.judge(all, policy, now);
}

fn main() {}
