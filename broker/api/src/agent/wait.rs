//! A request that waits for its approval. The core never waits: the door awaits the outcome and asks
//! the same again.

use std::{pin::pin, time::Duration};

use tokio::{sync::watch, time::sleep};
use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Refusal, approvals,
    request::{Ask, Released},
};

use super::desk::{Desk, Refused};
use crate::serve::Allowance;

/// Longest wait, in seconds.
const LONGEST: u64 = 600;

/// How long a request waits for its approval, where it needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(Duration);

impl Wait {
    /// A wait of this many seconds; none where nothing is said.
    pub(super) fn seconds(seconds: Option<u64>) -> Result<Self, Refusal> {
        let seconds = seconds.unwrap_or(0);
        if seconds > LONGEST {
            return Err(Refusal::new(Code::InvalidRequest)
                .saying(format!("`wait_seconds` is {LONGEST} at most")));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// Asks for a token, and where that needs an approval waits for it, and asks again. The refusal of one
/// that waited in vain is the one it would have got without waiting.
///
/// Dropping the future leaves the question open: who asks the same later finds its answer.
pub(super) async fn token(
    desk: &Desk,
    ask: Ask,
    Wait(wait): Wait,
    allowance: &Allowance,
) -> Result<Released, Refused> {
    let reference = desk.reference();
    // Before the first answer, so that no change of the session falls in between.
    let mut changes = desk.door.changes.subscribe();
    let mut answer = desk.ask(reference.request, ask.clone()).await;
    if !wait.is_zero()
        && next(&answer).is_some()
        && let Ok(_place) = desk.door.waiting.try_acquire()
    {
        allowance.grant(wait);
        let mut over = pin!(sleep(wait));
        while !over.is_elapsed()
            && let Some(next) = next(&answer)
        {
            let settled = tokio::select! {
                biased;
                refusal = cut(desk, &mut changes) => Err(refusal),
                settled = outcome(desk, next) => settled,
                () = over.as_mut() => break,
            };
            answer = match settled {
                Ok(()) => desk.ask(reference.request, ask.clone()).await,
                Err(refusal) => Err(refusal),
            };
        }
    }
    answer.map_err(|refusal| (refusal, reference))
}

/// What to do before the same is asked again.
enum Next {
    /// Wait for this question.
    Wait(ApprovalId),
    /// Nothing: another request of this session used the answer first.
    Nothing,
}

/// `None` where asking again is of no use.
fn next(answer: &Result<Released, Refusal>) -> Option<Next> {
    let refusal = answer.as_ref().err()?;
    match refusal.code() {
        Code::ApprovalPending => refusal.approval().map(Next::Wait),
        Code::ApprovalSettled => Some(Next::Nothing),
        _ => None,
    }
}

async fn outcome(desk: &Desk, next: Next) -> Result<(), Refusal> {
    match next {
        Next::Wait(approval) => {
            approvals::outcome(desk.broker(), desk.session_id(), approval).await
        }
        Next::Nothing => Ok(()),
    }
}

/// Ready when whoever waits is to be sent away, whatever becomes of the question: the door closes, the
/// session may not ask any more, or the machine is locked.
async fn cut(desk: &Desk, changes: &mut watch::Receiver<()>) -> Refusal {
    loop {
        tokio::select! {
            biased;
            () = desk.door.ending.beginning() => return desk.parting(),
            changed = changes.changed() => {
                if changed.is_err() {
                    return desk.parting();
                }
                if let Err(refusal) = desk.usable() {
                    return refusal;
                }
            }
        }
    }
}
