//! How approvals stand: for those who answer, and for those who wait.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    Approval, ApprovalId, Approver, Broker, Refusal, SessionId, User,
    approval::{Ending, State},
    ports::Kept,
};

/// One approval as somebody sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The approval, and when its answer was last used.
    pub kept: Kept,
    /// Whether whoever looks may say yes to it.
    pub may_answer: bool,
}

/// The approvals of sessions that are not over, oldest first; `viewer` is who looks.
pub fn list(broker: &Broker, viewer: Option<&User>) -> Vec<Shown> {
    let kept = broker.ports.approvals.list(None);
    let shown = kept.into_iter().map(|kept| Shown {
        may_answer: viewer.is_some_and(|user| may_answer(broker, &kept.approval, user)),
        kept,
    });
    shown.collect()
}

fn may_answer(broker: &Broker, approval: &Approval, user: &User) -> bool {
    let by = Approver::Person { user: user.clone() };
    let credential = broker
        .settings
        .credentials
        .find(approval.asked.credential.as_str());
    approval.is_open()
        && credential.is_some_and(|credential| {
            approval
                .may_be_answered_by(&by, &credential, broker)
                .is_ok()
        })
}

/// The approval with this id, of a session that is not over.
pub fn find(broker: &Broker, id: ApprovalId) -> Result<Arc<Approval>, Refusal> {
    let kept = broker.ports.approvals.list(None);
    let found = kept.into_iter().find(|kept| kept.approval.id == id);
    let found = found.map(|kept| kept.approval);
    found.ok_or_else(|| Refusal::new(Code::UnknownApproval).about(id))
}

/// Waits until the question of `session` was answered or is over. Ready with nothing where asking again
/// can help; a refusal where it cannot, such as that the session is held for what it asked. Dropping the
/// future leaves the question open.
pub async fn outcome(broker: &Broker, session: SessionId, id: ApprovalId) -> Result<(), Refusal> {
    let approvals = &broker.ports.approvals;
    let mut seen = 0;
    loop {
        seen = approvals.changed(seen).await;
        let known = broker.ports.sessions.load(session);
        known.ok_or(Code::UnknownSession)?.usable(broker.now())?;
        let kept = approvals.list(Some(session));
        let found = kept.into_iter().find(|kept| kept.approval.id == id);
        let Some(Kept { approval, .. }) = found else {
            return Ok(());
        };
        let code = match &approval.state {
            State::Open { .. } => None,
            State::Granted { .. } => return Ok(()),
            State::Refused { .. } => Some(Code::ApprovalRefused),
            State::Over { ending, .. } => match ending {
                Ending::Expired | Ending::Withdrawn => Some(Code::ApprovalExpired),
                Ending::NotPut
                | Ending::PolicyChanged
                | Ending::Used
                | Ending::Lapsed
                | Ending::TakenBack => {
                    return Ok(());
                }
            },
        };
        if let Some(code) = code {
            return Err(Refusal::new(code).about(id));
        }
    }
}
