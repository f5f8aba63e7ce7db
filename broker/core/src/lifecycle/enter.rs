//! A session's sandbox is there.

use std::sync::Arc;

use valetkey_codes::Code;

use super::change::store;
use crate::{Broker, Caller, CallerFacts, Event, Refusal, Session, SessionId};

/// Ties a session to the sandbox whose first process has this number: from then on nobody outside its
/// PID namespace speaks for the session. Only a session that was started for a sandbox, and no other one
/// follows the first: what comes again, to a broker that was started anew, has the first one's namespace.
pub async fn enter(broker: &Broker, id: SessionId, sandbox: i32) -> Result<Arc<Caller>, Refusal> {
    let session = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
    session.usable(broker.now())?;
    let gone = |error: crate::ports::CallerError| {
        Refusal::new(Code::CallerGone).because(error.to_string())
    };
    let (caller, pid_namespace) = broker.ports.callers.describe(sandbox).map_err(gone)?;
    if caller.uid != broker.settings.owner {
        return Err(Refusal::new(Code::CallerRefused).because("the sandbox is another user's"));
    }
    if pid_namespace == broker.settings.pid_namespace {
        return Err(Refusal::new(Code::CallerRefused).because("it is in no sandbox at all"));
    }
    let is_back = session.pins.pid_namespace == Some(pid_namespace);
    let entered = match session.entered(pid_namespace) {
        None if is_back => Some(Session::clone(&session)),
        entered => entered,
    };
    let (Some(entered), Some(profile)) = (entered, session.profile.clone()) else {
        return Err(Refusal::new(Code::CallerRefused).because("it waits for no sandbox"));
    };
    let event = Event::SandboxEntered {
        profile,
        pid_namespace,
        caller: CallerFacts::from(&caller),
    };
    store(broker, entered, event).await?;
    Ok(Arc::new(caller))
}
