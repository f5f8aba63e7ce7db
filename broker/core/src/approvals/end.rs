//! Questions and answers end without a no.

use valetkey_codes::Code;

use super::{follow::find, store::store};
use crate::{
    AccountName, Approval, ApprovalId, Broker, Caller, Delivery, Event, Refusal, SessionId, UserId,
    approval::{Ending, State},
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
    let ended = over(broker, &approval, Ending::TakenBack, Some(user.id)).await;
    match ended {
        Err(refusal) if refusal.code() != Code::ApprovalSettled => Err(refusal),
        _ if !is_used_by_the_proxy(broker, &approval) => ended,
        // What began with a yes that is spent, or that was taken back before, may be there still.
        ended => {
            broker.ports.doors.cut(approval.session).await;
            ended.map_err(|refusal| {
                refusal
                    .saying("it stands no more; what was open through the session's proxy is cut")
            })
        }
    }
}

/// Whether something may be open that rests on it.
fn is_used_by_the_proxy(broker: &Broker, approval: &Approval) -> bool {
    let credentials = &broker.settings.credentials;
    let credential = credentials.find(approval.asked.credential.as_str());
    let is_kept = credential.is_none_or(|credential| credential.delivery != Delivery::Token);
    is_kept && !matches!(approval.state, State::Refused { .. })
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
