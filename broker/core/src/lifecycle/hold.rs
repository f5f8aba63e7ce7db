//! A session is held because of what its agent did, and woken by its developer.

use std::sync::Arc;

use valetkey_codes::Code;

use super::change::change;
use crate::{Broker, Refusal, Session, SessionId, flow::ledger_refusal, ports::Freshness};

/// Holds a session. Holding one that is held or over already is no error.
pub(crate) async fn hold(broker: &Broker, id: SessionId, why: String) -> Result<(), Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    if let Some(held) = session.hold(why) {
        let (_, _, durable) = change(broker, &session, held).await?;
        durable.map_err(|error| ledger_refusal(&error))?;
    }
    Ok(())
}

/// Wakes a held session for its developer, whose login must be alive. What its agent did before is
/// forgiven: it is counted from now on.
pub async fn resume(broker: &Broker, id: SessionId) -> Result<Arc<Session>, Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    let logins = &broker.ports.logins;
    logins.current(&session.account, Freshness::Known).await?;
    let Some(awake) = session.resume(broker.now()) else {
        session.usable(broker.now())?;
        return Ok(session);
    };
    let (awake, _, durable) = change(broker, &session, awake).await?;
    durable.map_err(|error| ledger_refusal(&error))?;
    Ok(awake)
}
