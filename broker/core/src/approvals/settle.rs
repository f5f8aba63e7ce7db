//! Step 4 of a request: an answer that stands, or a question.

use std::ops::ControlFlow;

use valetkey_codes::Code;

use super::{ask::ask, store::store};
use crate::{
    Approval, ApprovalId, Broker, Event, Refusal, SessionId,
    approval::{Ending, State, Term},
    ports::Kept,
    request::{Pending, Permit},
};

/// The permit of a request that somebody said yes to. Where nobody has, the question is put and the
/// refusal names it.
///
/// An answer for one token is spent here, durably and before the token is made: of two requests that
/// find it one gets it, and where the source then fails it is spent all the same.
pub(crate) async fn settle(broker: &Broker, mut pending: Pending) -> Result<Permit, Refusal> {
    for Kept { approval, used } in standing(broker, &pending) {
        match pending.approved(&approval, used, broker) {
            ControlFlow::Break(permit) => {
                spend(broker, &approval).await?;
                return Ok(permit);
            }
            ControlFlow::Continue(unanswered) => pending = unanswered,
        }
    }
    Err(ask(broker, &pending).await?)
}

/// Whether the answer that a permit took was not taken back while its token was made, or since.
pub fn not_taken_back(
    broker: &Broker,
    session: SessionId,
    taken: Option<ApprovalId>,
) -> Result<(), Refusal> {
    let Some(id) = taken else {
        return Ok(());
    };
    let kept = broker.ports.approvals.list(Some(session));
    let back = kept.iter().any(|kept| {
        let state = &kept.approval.state;
        let ending = Ending::TakenBack;
        kept.approval.id == id && matches!(state, State::Over { ending: e, .. } if *e == ending)
    });
    if back {
        let refusal = Refusal::new(Code::ApprovalSettled).about(id);
        return Err(refusal.saying("that approval was taken back meanwhile; ask again"));
    }
    Ok(())
}

fn standing(broker: &Broker, pending: &Pending) -> Vec<Kept> {
    let now = broker.now();
    let mut kept = broker.ports.approvals.list(Some(pending.session().id));
    kept.retain(|kept| {
        kept.approval.standing(kept.used, now).is_some()
            && kept
                .approval
                .covers(pending.credential(), pending.grant(), pending.tier())
    });
    // What is remembered is used before what is for one token.
    kept.sort_by_key(|kept| is_once(&kept.approval));
    kept
}

/// Notes that the answer is used: for good, where it was for one token.
async fn spend(broker: &Broker, approval: &Approval) -> Result<(), Refusal> {
    let now = broker.now();
    if !is_once(approval) {
        broker.ports.approvals.touch(approval.id, now);
        return Ok(());
    }
    let Some(used) = approval.end(Ending::Used, now) else {
        return Ok(());
    };
    let event = Event::ApprovalEnded {
        approval: approval.id,
        ending: Ending::Used,
        by: None,
    };
    let stored = store(broker, used, event).await;
    stored.map_err(|refusal| match refusal.code() {
        Code::ApprovalSettled => {
            refusal.saying("another request used that approval first; ask again")
        }
        _ => refusal,
    })
}

fn is_once(approval: &Approval) -> bool {
    matches!(
        approval.state,
        State::Granted {
            term: Term::Once { .. },
            ..
        }
    )
}
