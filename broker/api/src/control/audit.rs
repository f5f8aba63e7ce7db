//! The ledger, read back: its tail, and whether it is whole.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tonic::Status;
use valetkey_core::{Broker, Refusal, flow::ledger_refusal, ports::Entry};
use valetkey_wire::developer::{
    TailAuditRequest, TailAuditResponse, VerifyAuditResponse, verify_audit_response::Fault,
};

use super::Office;

/// How many records are read at once.
const BATCH: u32 = 256;
/// How many records are shown where nobody says.
const LAST: u32 = 20;

struct Tail {
    office: Arc<Office>,
    /// The last record that was read.
    seen: u64,
    /// Where to end; `None` to follow.
    until: Option<u64>,
    read: VecDeque<Entry>,
}

/// The records that are asked for, oldest first. One that follows ends when the broker stops.
pub(super) async fn tail(
    office: &Arc<Office>,
    request: &TailAuditRequest,
) -> Result<BoxStream<'static, Result<TailAuditResponse, Status>>, Refusal> {
    let head = head(&office.broker).await?;
    let last = u64::from(request.last.unwrap_or(LAST));
    let tail = Tail {
        office: Arc::clone(office),
        seen: request.after.unwrap_or(head.saturating_sub(last)),
        until: (!request.follow).then_some(head),
        read: VecDeque::new(),
    };
    let records = stream::unfold(Some(tail), |tail| async {
        let mut tail = tail?;
        match tail.next().await {
            Ok(Some(entry)) => Some((Ok(view(entry)), Some(tail))),
            Ok(None) => None,
            Err(refusal) => Some((Err(tail.office.refuse(&refusal)), None)),
        }
    });
    Ok(records.boxed())
}

/// The place of the last record; 0 where there is none.
async fn head(broker: &Broker) -> Result<u64, Refusal> {
    let first = broker.ports.audit.after(0, 1).await;
    if first.map_err(|error| ledger_refusal(&error))?.is_empty() {
        return Ok(0);
    }
    Ok(broker.ports.audit.grown_beyond(0).await)
}

impl Tail {
    async fn next(&mut self) -> Result<Option<Entry>, Refusal> {
        while self.read.is_empty() {
            if self.until.is_some_and(|until| self.seen >= until) {
                return Ok(None);
            }
            let audit = &self.office.broker.ports.audit;
            if self.until.is_none() {
                tokio::select! {
                    biased;
                    () = self.office.ending.beginning() => return Ok(None),
                    _ = audit.grown_beyond(self.seen) => {}
                }
            }
            let batch = audit.after(self.seen, BATCH).await;
            self.read = batch.map_err(|error| ledger_refusal(&error))?.into();
            match self.read.back() {
                Some(entry) => self.seen = entry.sequence,
                // Promised and not there: a ledger that shrank is for `verify` to describe.
                None => return Ok(None),
            }
        }
        let entry = self.read.pop_front();
        let beyond = |entry: &Entry| self.until.is_some_and(|until| entry.sequence > until);
        Ok(entry.filter(|entry| !beyond(entry)))
    }
}

fn view(entry: Entry) -> TailAuditResponse {
    TailAuditResponse {
        sequence: entry.sequence,
        record: String::from_utf8_lossy(&entry.record).into_owned(),
        hash: entry.hash,
    }
}

/// Walks the whole ledger.
pub(super) async fn verify(office: &Office) -> Result<VerifyAuditResponse, Refusal> {
    let verified = office.broker.ports.audit.verify().await;
    let found = verified.map_err(|error| ledger_refusal(&error))?;
    let faults = found.faults.into_iter().map(|fault| Fault {
        sequence: fault.sequence,
        what: fault.what,
    });
    Ok(VerifyAuditResponse {
        records: found.records,
        checkpoints: found.checkpoints,
        anchored: found.anchored,
        head: found.head,
        faults: faults.collect(),
        unknown: found.unknown,
    })
}
