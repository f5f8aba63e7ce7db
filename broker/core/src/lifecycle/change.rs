//! A session changes its state.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    Broker, Event, Record, Refusal, Session, SessionId,
    broker::seal,
    flow::ledger_refusal,
    ports::{Answer, Cut, LedgerError},
};

/// Ends a session for its developer and cuts its door. Ending what is over already is no error.
pub async fn end(broker: &Broker, id: SessionId) -> Result<Arc<Session>, Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    let Some(ended) = session.end() else {
        return Ok(session);
    };
    let (ended, _cut, durable) = change(broker, &session, ended).await?;
    durable.map_err(|error| ledger_refusal(&error))?;
    Ok(ended)
}

/// Stores what changes nothing about whether the session may ask.
pub(super) async fn store(broker: &Broker, next: Session, event: Event) -> Result<(), Refusal> {
    let record = seal(Record {
        at: broker.now().unix_ms,
        request: None,
        session: Some(next.id),
        event,
    })?;
    let saved = broker.ports.sessions.save(next, record).await;
    saved.map_err(|error| ledger_refusal(&error))
}

/// Moves a session to `next`: stored with its record, shown, and its door closed where it is over.
/// The door closes even where the disk refused, and the disk's error is given back: authority is
/// taken away first and complained about afterwards.
pub(super) async fn change(
    broker: &Broker,
    session: &Session,
    next: Session,
) -> Result<(Arc<Session>, Cut, Result<(), LedgerError>), Refusal> {
    let (session, cut, durable) = begin(broker, session, next).await?;
    Ok((session, cut.await, durable))
}

/// The same, without waiting for the door: it is closing when this is ready, and the inner future
/// tells when it has closed.
pub(super) async fn begin<'a>(
    broker: &'a Broker,
    session: &Session,
    next: Session,
) -> Result<(Arc<Session>, Answer<'a, Cut>, Result<(), LedgerError>), Refusal> {
    let record = seal(Record {
        at: broker.now().unix_ms,
        request: None,
        session: Some(session.id),
        event: Event::SessionChanged {
            from: session.state.id().to_owned(),
            to: next.state.clone(),
            groups: (session.user.groups != next.user.groups).then(|| next.user.groups.clone()),
        },
    })?;
    let over = next.state.is_final();
    let durable = broker.ports.sessions.save(next.clone(), record).await;
    let cut = if over {
        broker.ports.doors.close(session.id)
    } else {
        let changed = broker.ports.doors.changed(session.id);
        Box::pin(async move {
            changed.await;
            Cut::default()
        })
    };
    Ok((Arc::new(next), cut, durable))
}
