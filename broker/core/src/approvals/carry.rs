//! A messenger carries a question out, and perhaps its answer back.

use valetkey_codes::Code;

use super::{
    answer::{Given, answer},
    follow::find,
};
use crate::{
    ApprovalId, Broker, Event, Refusal,
    ports::{Messenger, MessengerError},
};

/// Carries one open question. An answer that comes back is one like any other: whoever the messenger
/// says gave it must be of the asker's own provider, and allowed to. What is not to be believed is
/// recorded and leaves the question open.
pub async fn carry(
    broker: &Broker,
    id: ApprovalId,
    messenger: &dyn Messenger,
) -> Result<(), MessengerError> {
    let gone = |refusal: Refusal| MessengerError::Absent(refusal.message().to_owned());
    let question = find(broker, id).map_err(gone)?;
    if !question.is_open() {
        return Ok(());
    }
    let asker = &question.asked.user;
    let carried = match messenger.carry(&question, asker).await {
        Ok(Some(carried)) if carried.by.id.issuer != asker.issuer => {
            let error = "it comes from a user of another provider".to_owned();
            Err((MessengerError::Forged(error), Some(carried.by.id)))
        }
        Ok(Some(carried)) => Ok(carried),
        Ok(None) => return Ok(()),
        Err(error) => Err((error, None)),
    };
    let carried = match carried {
        Ok(carried) => carried,
        Err((error, by)) => {
            if matches!(error, MessengerError::Forged(_)) {
                let event = Event::ApprovalDisputed {
                    approval: id,
                    by,
                    code: Code::NotApprover.id().to_owned(),
                    via: messenger.name().to_owned(),
                };
                broker.record_about(question.session, event).await;
            }
            return Err(error);
        }
    };
    let given = Given {
        approval: id,
        digest: &carried.digest,
        answer: carried.answer,
        via: messenger.name(),
    };
    let answered = answer(broker, carried.by, given).await;
    answered.map(drop).map_err(|refusal| match refusal.code() {
        // One wrong click does not keep those away who may answer.
        Code::NotApprover => MessengerError::Failed(refusal.message().to_owned()),
        _ => gone(refusal),
    })
}
