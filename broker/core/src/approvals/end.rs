//! Questions and answers end without a no.

use valetkey_codes::Code;

use super::{follow::find, store::store};
use crate::{
    AccountName, Approval, ApprovalId, Broker, Caller, Delivery, Event, Refusal, SessionId, UserId,
    approval::Ending,
    grants,
    ports::{Freshness, Kept},
};

/// An agent takes its own question back. Withdrawing what is settled already is
/// [`Code::ApprovalSettled`].
pub async fn withdraw(
    broker: &Broker,
    session: SessionId,
    caller: &Caller,
    id: ApprovalId,
) -> Result<(), Refusal> {
    grants::session(broker, session, caller)?;
    let approval = find(broker, id)?;
    if approval.session != session {
        // Of another session, which this one need not know of.
        return Err(Refusal::new(Code::UnknownApproval).about(id));
    }
    if !approval.is_open() {
        return Err(Refusal::new(Code::ApprovalSettled).about(id));
    }
    over(broker, &approval, Ending::Withdrawn, None).await
}

/// A person takes an answer back: when this is ready, no token is made with it that is not made yet, and where it
/// was about the network or what is put into requests, whatever the session had open through its proxy is cut.
/// Whoever is logged in may. A question that was not answered is answered with no instead.
pub async fn take_back(
    broker: &Broker,
    account: &AccountName,
    id: ApprovalId,
) -> Result<(), Refusal> {
    let user = broker
        .ports
        .logins
        .current(account, Freshness::Known)
        .await?;
    let approval = find(broker, id)?;
    if approval.is_open() {
        let refusal = Refusal::new(Code::InvalidRequest).about(id);
        return Err(
            refusal.saying("it was not answered yet; say no with `valetkey approvals deny ID`")
        );
    }
    over(broker, &approval, Ending::TakenBack, Some(user.id)).await?;
    let credentials = &broker.settings.credentials;
    let credential = credentials.find(approval.asked.credential.as_str());
    if credential.is_none_or(|credential| credential.delivery != Delivery::Token) {
        broker.ports.doors.cut(approval.session).await;
    }
    Ok(())
}

/// Ends what time has ended: questions that nobody answered, answers that nobody used.
pub async fn expire_due(broker: &Broker) -> Result<(), Refusal> {
    for Kept { approval, used } in broker.ports.approvals.list(None) {
        if let Some(ending) = approval.due(used, broker.now()) {
            match over(broker, &approval, ending, None).await {
                // Somebody was faster, or its session ended.
                Err(refusal)
                    if matches!(
                        refusal.code(),
                        Code::ApprovalSettled | Code::UnknownApproval | Code::SessionEnded
                    ) => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// Ends an approval; one that is settled already is [`Code::ApprovalSettled`].
pub(super) async fn over(
    broker: &Broker,
    approval: &Approval,
    ending: Ending,
    by: Option<UserId>,
) -> Result<(), Refusal> {
    let Some(next) = approval.end(ending, broker.now()) else {
        return Err(Refusal::new(Code::ApprovalSettled).about(approval.id));
    };
    let event = Event::ApprovalEnded {
        approval: approval.id,
        ending,
        by,
    };
    store(broker, next, event).await
}
