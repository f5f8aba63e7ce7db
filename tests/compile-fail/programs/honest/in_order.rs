//! The states in their order, so that the other programs fail for what they do and not for how.

use valetkey_core::{
    Approval, Credentials, LeaseId, Moment,
    approval::Asked,
    ports::{Policy, Receipt, Sources},
    request::{Identified, Judged, Pending, Permit},
};
use valetkey_secret::{Destination, IssuedToken, SameSecret};

fn judge(request: Identified, all: &Credentials, policy: &dyn Policy, now: Moment) -> Option<Permit> {
    match request.judge(all, policy, now) {
        Judged::Permit(permit) => Some(permit),
        Judged::Pending(_) | Judged::Refused(_) => None,
    }
}

fn ask(pending: Pending) -> Asked {
    pending.asked()
}

fn keep(approval: &Approval) -> Approval {
    approval.clone()
}

fn obtain(sources: &dyn Sources, permit: &Permit, lease: LeaseId, now: Moment) {
    drop(sources.obtain(permit, lease, now));
}

fn release(permit: Permit, token: IssuedToken, lease: LeaseId, now: Moment, receipt: &Receipt) -> usize {
    let Ok(issued) = permit.issue(token, lease, now) else {
        return 0;
    };
    let Ok(released) = issued.release(receipt) else {
        return 0;
    };
    released.token().disclose(Destination::AgentReply, |bytes| bytes.len())
}

fn compare(one: &IssuedToken, other: &IssuedToken) -> bool {
    one.same_secret(other)
}

fn main() {
    let _all = (judge, ask, keep, obtain, release, compare);
}
