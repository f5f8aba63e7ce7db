//! The whole token request, top to bottom.

use valetkey_codes::Code;

use crate::{
    Broker, Delivery, LeaseId, Refusal, SessionId, approvals,
    ports::{Effect, LedgerError, SourceError, StoreError},
    request::{Judged, Permit, Received, Released},
};

/// Answers one token request. Step 1, reading the kernel's facts of the peer, was done by the door
/// before it read a byte; step 9, the reply, is the door's again.
///
/// Every failure is a refusal, and every refusal is recorded. Dropping the future is safe at every
/// point: what was recorded then tells of a token that nobody received.
pub async fn token(broker: &Broker, received: Received) -> Result<Released, Refusal> {
    let refusal_record = received.refusal_record();
    match grant(broker, received).await {
        Ok(released) => Ok(released),
        // A question that is put is its own record.
        Err(refusal) if refusal.is_on_record() => Err(refusal),
        Err(refusal) => {
            let record = refusal_record(&refusal, broker.ports.clock.now());
            broker.record_anyway(record).await;
            Err(refusal)
        }
    }
}

/// Records the refusal of a request that its door turned away, such as the one too many.
pub async fn turn_away(broker: &Broker, received: &Received, refusal: &Refusal) {
    let record = received.refusal_record()(refusal, broker.ports.clock.now());
    broker.record_anyway(record).await;
}

async fn grant(broker: &Broker, received: Received) -> Result<Released, Refusal> {
    let (ports, settings) = (&broker.ports, &broker.settings);

    // 2. identify
    let (request, session) = (received.id(), received.session());
    let known = ports.sessions.load(session).ok_or(Code::UnknownSession)?;
    let identified =
        received.identify(known, settings.owner, &*ports.callers, ports.clock.now())?;
    broker.open()?;

    // 3. decide
    let judged = identified.judge(&settings.credentials, &*ports.policy, ports.clock.now());
    if let Some(trial) = &broker.trial {
        trial.compare(broker, request, &judged).await;
    }

    // 4. approve
    let permit = match judged {
        Judged::Permit(permit) => permit,
        Judged::Pending(pending) => approvals::settle(broker, pending).await?,
        Judged::Refused(refusal) => return Err(refusal),
    };

    // 5. record intent, where obtaining acts outside the broker
    if ports.sources.effect(permit.credential().source) == Effect::Upstream {
        let intended = ports.ledger.record(permit.intent(ports.clock.now())?).await;
        intended.map_err(|error| ledger_refusal(&error))?;
    }

    // 6. obtain
    let now = ports.clock.now();
    permit.fresh(now)?;
    let approval = permit.approval();
    let lease = LeaseId::new(now, &*ports.entropy);
    let token = ports
        .sources
        .obtain(&permit, lease, now)
        .await
        .map_err(|error| not_obtained(&permit, &error))?;
    let issued = permit.issue(token, lease, now)?;

    // 7. still alive, still active, still approved
    issued.still_wanted(&*ports.callers, &*ports.sessions, ports.clock.now())?;
    broker.open()?;
    approvals::not_taken_back(broker, session, approval)?;

    // 8. record outcome, then release
    let receipt = match ports.ledger.record(issued.record()).await {
        // Taken away since step 7: the writer's order counts, and the session knows by what.
        Err(LedgerError::SessionGone) => {
            approvals::not_taken_back(broker, session, approval)?;
            return Err(over(broker, session));
        }
        stored => stored.map_err(|error| ledger_refusal(&error))?,
    };
    issued.release(&receipt)
}

fn over(broker: &Broker, session: SessionId) -> Refusal {
    let now = broker.ports.clock.now();
    let state = broker.ports.sessions.load(session);
    let refusal = state.and_then(|session| session.serves(now).err());
    let refusal = refusal.or_else(|| broker.open().err().map(Refusal::from));
    refusal.unwrap_or_else(|| Code::SessionEnded.into())
}

/// What a ledger's failure means for whoever asked.
pub fn ledger_refusal(error: &LedgerError) -> Refusal {
    let code = match error {
        LedgerError::SessionGone => Code::SessionEnded,
        LedgerError::Unwritable(_) | LedgerError::Slow => Code::AuditUnavailable,
    };
    Refusal::new(code).because(error.to_string())
}

/// The same as [`source_refusal`] where it is known what was asked for.
fn not_obtained(permit: &Permit, error: &SourceError) -> Refusal {
    let refusal = source_refusal(error);
    let credential = permit.credential();
    match (error, &credential.delivery) {
        (SourceError::Secret(StoreError::NoEntry), Delivery::Inject(inject)) => refusal
            .saying(format!(
                "the keyring does not hold the secret of `{}`",
                credential.name
            ))
            .advising(format!(
                "the developer stores it with `valetkey secret add {}`",
                inject.secret
            )),
        _ => refusal,
    }
}

/// What a source's failure means for whoever asked.
pub fn source_refusal(error: &SourceError) -> Refusal {
    let code = match error {
        SourceError::Secret(error) => error.code(),
        SourceError::Ledger(error) => return ledger_refusal(error),
        SourceError::Unavailable(_) => Code::UpstreamUnavailable,
        SourceError::Failed(_) => Code::Internal,
    };
    Refusal::new(code).because(error.to_string())
}
