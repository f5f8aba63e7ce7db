//! An approval and the record of its change, stored as one.

use valetkey_codes::Code;

use crate::{
    Approval, Broker, Event, Record, Refusal, RequestId, broker::seal, flow::ledger_refusal,
    ports::ApprovalError,
};

/// Stores `approval` with `event`. Somebody else's change first is [`Code::ApprovalSettled`].
pub(super) async fn store(
    broker: &Broker,
    approval: Approval,
    event: Event,
) -> Result<(), Refusal> {
    let id = approval.id;
    attempt(broker, None, approval, event)
        .await?
        .map_err(|error| match error {
            ApprovalError::Ledger(error) => ledger_refusal(&error),
            ApprovalError::Conflict(_) => Refusal::new(Code::ApprovalSettled).about(id),
            ApprovalError::Unknown => Refusal::new(Code::UnknownApproval).about(id),
        })
}

/// The same, for a request, with the error as it is.
pub(super) async fn attempt(
    broker: &Broker,
    request: Option<RequestId>,
    approval: Approval,
    event: Event,
) -> Result<Result<(), ApprovalError>, Refusal> {
    let record = seal(Record {
        at: broker.now().unix_ms,
        request,
        session: Some(approval.session),
        event,
    })?;
    Ok(broker.ports.approvals.save(approval, record).await)
}
