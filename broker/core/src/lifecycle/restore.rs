//! What time does to sessions: the broker comes back, lifetimes run out.

use crate::{
    Broker, Refusal,
    flow::ledger_refusal,
    ports::{DoorError, LedgerError, SessionFilter},
};

use super::change::change;

/// Opens the doors of every session that was live when the broker last stopped, however it stopped,
/// and expires those whose time ran out meanwhile. Gives back how many doors are open.
pub async fn restore(broker: &Broker) -> Result<usize, Refusal> {
    // Where the disk refuses, requests still meet their session's end, and it is tried again.
    drop(expire_due(broker).await);
    let live = broker.ports.sessions.list(SessionFilter::Live).await;
    let mut open = 0;
    for session in live.map_err(|error| ledger_refusal(&error))? {
        broker
            .ports
            .doors
            .open(session.id)
            .map_err(|error: DoorError| {
                Refusal::new(valetkey_codes::Code::Internal).because(error.to_string())
            })?;
        open += 1;
    }
    Ok(open)
}

/// Expires every live session whose deadline has passed. A request meets the deadline by itself; this
/// is what closes the doors and tells the ledger.
pub async fn expire_due(broker: &Broker) -> Result<(), Refusal> {
    let live = broker.ports.sessions.list(SessionFilter::Live).await;
    for session in live.map_err(|error| ledger_refusal(&error))? {
        if !session.deadline.passed(broker.now()) {
            continue;
        }
        if let Some(expired) = session.expire() {
            match change(broker, &session, expired).await? {
                // It ended in another way meanwhile.
                (_, _, Ok(()) | Err(LedgerError::SessionGone)) => {}
                (_, _, Err(error)) => return Err(ledger_refusal(&error)),
            }
        }
    }
    Ok(())
}
