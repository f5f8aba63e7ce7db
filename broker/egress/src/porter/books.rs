//! What passed, counted and recorded in batches; what was refused, as far as that is worth a record each.

use std::{
    collections::HashMap,
    mem,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use valetkey_codes::Code;
use valetkey_core::{CredentialName, Moment, Passed, Refusal, SessionId, network::Origin, passage};

use super::Porter;
use crate::Used;

/// How often what passed is recorded: durable within a second, with the ledger's own time.
const EVERY: Duration = Duration::from_millis(500);
/// Questions and records of one session at once, and each second on average; alarms likewise.
const BURST: u64 = 200;
const PER_SECOND: u64 = 20;
/// Most lines of one record.
const LINES: usize = 64;

/// Counts of all sessions.
#[derive(Default)]
pub(super) struct Books {
    open: Mutex<HashMap<SessionId, HashMap<Line, Counts>>>,
    paces: Mutex<HashMap<(SessionId, Kind), Pace>>,
}

/// What is slowed down, each by itself: nobody hides the one in a flood of the other.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A question or a refusal.
    Common,
    /// A placeholder where it does not belong: which one.
    Alarm(Box<str>),
}

type Line = (Origin, Option<CredentialName>);

#[derive(Default)]
struct Counts {
    requests: u64,
    sent: u64,
    received: u64,
    refused: u64,
}

struct Pace {
    left: u64,
    since: Moment,
    missed: u64,
}

impl Pace {
    fn go(&mut self) -> bool {
        let fine = self.left > 0;
        self.left = self.left.saturating_sub(1);
        fine
    }
}

impl Books {
    pub(super) fn used(&self, session: SessionId, used: Used) {
        self.count((session, used.origin, used.credential), |counts| {
            counts.requests += used.requests;
            counts.sent += used.sent;
            counts.received += used.received;
        });
    }

    /// A refusal that was answered from memory.
    pub(super) fn refused(&self, session: SessionId, origin: &Origin) {
        self.count((session, origin.clone(), None), |counts| {
            counts.refused += 1
        });
    }

    /// Whether the session asks too often: each question is a durable record.
    pub(super) fn in_time(&self, session: SessionId, now: Moment) -> Result<(), Refusal> {
        if self.with_pace(session, Kind::Common, now, Pace::go) {
            Ok(())
        } else {
            Err(Code::TooManyRequests.into())
        }
    }

    /// Whether one more record of this session does not flood the ledger, and how many of its kind were not worth
    /// one since the last.
    pub(super) fn worth_a_record(
        &self,
        session: SessionId,
        kind: Kind,
        now: Moment,
    ) -> Option<u64> {
        self.with_pace(session, kind, now, |pace| {
            if pace.go() {
                Some(std::mem::take(&mut pace.missed))
            } else {
                pace.missed += 1;
                None
            }
        })
    }

    fn with_pace<T>(
        &self,
        session: SessionId,
        kind: Kind,
        now: Moment,
        look: impl FnOnce(&mut Pace) -> T,
    ) -> T {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry((session, kind)).or_insert(Pace {
            left: BURST,
            since: now,
            missed: 0,
        });
        let earned = now.ms_since(pace.since).saturating_mul(PER_SECOND) / 1000;
        if earned > 0 {
            pace.left = pace.left.saturating_add(earned).min(BURST);
            pace.since = now;
        }
        look(pace)
    }

    /// The session's room is empty. Gives back how many refusals of it no record speaks of.
    pub(super) fn forget_pace(&self, session: SessionId) -> u64 {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let of_session = paces.extract_if(|(whose, _), _| *whose == session);
        of_session.map(|(_, pace)| pace.missed).sum()
    }

    /// Records what passed, until `stop` is ready and once more then.
    pub(super) async fn keep(&self, porter: &Porter, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let over = tokio::select! {
                biased;
                () = &mut stop => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            self.write(porter).await;
            if over {
                return;
            }
        }
    }

    async fn write(&self, porter: &Porter) {
        let Ok(broker) = porter.broker() else { return };
        let counted = mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for (session, lines) in counted {
            let mut passed: Vec<Passed> = lines.into_iter().map(line).collect();
            passed.sort_by(|a, b| a.origin.cmp(&b.origin));
            while !passed.is_empty() {
                let rest = passed.split_off(passed.len().min(LINES));
                passage::used(broker, session, mem::replace(&mut passed, rest)).await;
            }
        }
    }

    fn count(
        &self,
        (session, origin, credential): (SessionId, Origin, Option<CredentialName>),
        change: impl FnOnce(&mut Counts),
    ) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = open.entry(session).or_default();
        change(lines.entry((origin, credential)).or_default());
    }
}

fn line(((origin, credential), counts): (Line, Counts)) -> Passed {
    Passed {
        origin: origin.to_string(),
        credential,
        requests: counts.requests,
        sent: counts.sent,
        received: counts.received,
        refused: counts.refused,
    }
}
