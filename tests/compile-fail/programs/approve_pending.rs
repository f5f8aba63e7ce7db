//! An approval is a fact that anybody can write down: outside the core nobody approves with one.

use valetkey_core::{Approval, Broker, Moment, request::Pending};

fn approve(pending: Pending, made_up: &Approval, now: Moment, broker: &Broker) {
    let _judged = pending.approved(made_up, now, broker);
}

fn main() {}
