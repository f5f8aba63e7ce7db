//! `valetkeyd` with one port that kills the process: a power cut at a chosen step of a request.
//!
//! `VALETKEY_TEST_POINT` names the step, such as `before sources.obtain`; the cut happens the first time
//! that step is reached while the file `VALETKEY_TEST_ARMED` exists. With `VALETKEY_TEST_UPSTREAM` set,
//! the source says that it acts outside the broker, so that intents are recorded too. The admin's
//! requirements lie in the folder `VALETKEY_TEST_REQUIREMENTS`, where it is set, and belong to whoever
//! runs the test.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broker that is made to fail may"
)]

use std::{os::fd::BorrowedFd, path::PathBuf, process::ExitCode, sync::Arc};

use rustix::process::{Signal, geteuid, getpid, kill_process};
use valetkey_core::{
    Approval, ApprovalId, Caller, Lease, LeaseId, Moment, Pins, Session, SessionId, SourceKind,
    ports::{
        Answer, ApprovalError, Approvals, ApproverQuestion, CallerError, Callers, Consent, Cut,
        DoorError, Doors, Effect, Kept, Ledger, LedgerError, Mismatch, Policy, PolicyError,
        PolicySummary, Ports, Question, Receipt, Retraction, SessionFilter, Sessions, SourceError,
        Sources, Verdict,
    },
    record::SealedRecord,
    request::Permit,
};
use valetkey_daemon::{RequirementsAt, main_with};
use valetkey_secret::IssuedToken;

fn main() -> ExitCode {
    let requirements = match std::env::var_os("VALETKEY_TEST_REQUIREMENTS") {
        Some(folder) => RequirementsAt::below(folder.as_ref(), geteuid().as_raw()),
        None => RequirementsAt::system(),
    };
    main_with(&requirements, |ports| {
        let cut = Arc::new(PowerCut::from_environment());
        Ports {
            callers: Arc::new(Faulty(ports.callers, Arc::clone(&cut))),
            policy: Arc::new(Faulty(ports.policy, Arc::clone(&cut))),
            sources: Arc::new(Faulty(ports.sources, Arc::clone(&cut))),
            ledger: Arc::new(Faulty(ports.ledger, Arc::clone(&cut))),
            sessions: Arc::new(Faulty(ports.sessions, Arc::clone(&cut))),
            approvals: Arc::new(Faulty(ports.approvals, Arc::clone(&cut))),
            doors: Arc::new(Faulty(ports.doors, cut)),
            ..ports
        }
    })
}

struct PowerCut {
    point: String,
    armed: PathBuf,
}

impl PowerCut {
    fn from_environment() -> Self {
        Self {
            point: std::env::var("VALETKEY_TEST_POINT").unwrap_or_default(),
            armed: std::env::var_os("VALETKEY_TEST_ARMED")
                .unwrap_or_default()
                .into(),
        }
    }

    fn at(&self, point: &str) {
        if self.point == point && self.armed.exists() {
            kill_process(getpid(), Signal::KILL).expect("a process can kill itself");
        }
    }
}

struct Faulty<P: ?Sized>(Arc<P>, Arc<PowerCut>);

impl Callers for Faulty<dyn Callers> {
    fn identify(&self, socket: BorrowedFd<'_>) -> Result<Caller, CallerError> {
        self.1.at("before callers.identify");
        self.0.identify(socket)
    }

    fn describe(&self, pid: i32) -> Result<(Caller, u64), CallerError> {
        self.0.describe(pid)
    }

    fn alive(&self, caller: &Caller) -> bool {
        self.1.at("before callers.alive");
        let alive = self.0.alive(caller);
        self.1.at("after callers.alive");
        alive
    }

    fn satisfies(&self, caller: &Caller, pins: &Pins) -> Result<(), Mismatch> {
        self.0.satisfies(caller, pins)
    }
}

impl Policy for Faulty<dyn Policy> {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        self.1.at("before policy.decide");
        let verdict = self.0.decide(question);
        self.1.at("after policy.decide");
        verdict
    }

    fn may_approve(&self, question: &ApproverQuestion<'_>) -> Result<Consent, PolicyError> {
        self.0.may_approve(question)
    }

    fn summary(&self) -> PolicySummary {
        self.0.summary()
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        self.0.reload()
    }
}

impl Sources for Faulty<dyn Sources> {
    fn effect(&self, kind: SourceKind) -> Effect {
        match std::env::var_os("VALETKEY_TEST_UPSTREAM") {
            Some(_) => Effect::Upstream,
            None => self.0.effect(kind),
        }
    }

    fn obtain<'a>(
        &'a self,
        permit: &'a Permit,
        lease: LeaseId,
        now: Moment,
    ) -> Answer<'a, Result<IssuedToken, SourceError>> {
        Box::pin(async move {
            self.1.at("before sources.obtain");
            let token = self.0.obtain(permit, lease, now).await;
            self.1.at("after sources.obtain");
            token
        })
    }

    fn revoke<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Result<Retraction, SourceError>> {
        self.0.revoke(lease)
    }
}

impl Ledger for Faulty<dyn Ledger> {
    fn record(&self, record: SealedRecord) -> Answer<'_, Result<Receipt, LedgerError>> {
        Box::pin(async move {
            let event = serde_json::to_value(record.record()).expect("a record is JSON");
            let event = event["event"].as_str().unwrap_or_default().to_owned();
            self.1.at(&format!("before ledger.record {event}"));
            let receipt = self.0.record(record).await;
            self.1.at(&format!("after ledger.record {event}"));
            receipt
        })
    }
}

impl Sessions for Faulty<dyn Sessions> {
    fn load(&self, id: SessionId) -> Option<Arc<Session>> {
        self.0.load(id)
    }

    fn save(&self, session: Session, record: SealedRecord) -> Answer<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            self.1.at("before sessions.save");
            let saved = self.0.save(session, record).await;
            self.1.at("after sessions.save");
            saved
        })
    }

    fn list(&self, filter: SessionFilter) -> Answer<'_, Result<Vec<Arc<Session>>, LedgerError>> {
        self.0.list(filter)
    }

    fn leases(
        &self,
        session: SessionId,
        unix_seconds: u64,
    ) -> Answer<'_, Result<Vec<Lease>, LedgerError>> {
        self.0.leases(session, unix_seconds)
    }
}

impl Approvals for Faulty<dyn Approvals> {
    fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        self.0.list(session)
    }

    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>> {
        Box::pin(async move {
            let state = approval.state.id();
            self.1.at(&format!("before approvals.save {state}"));
            let saved = self.0.save(approval, record).await;
            self.1.at(&format!("after approvals.save {state}"));
            saved
        })
    }

    fn touch(&self, approval: ApprovalId, now: Moment) {
        self.0.touch(approval, now);
    }

    fn changed(&self, seen: u64) -> Answer<'_, u64> {
        self.0.changed(seen)
    }
}

impl Doors for Faulty<dyn Doors> {
    fn open(&self, session: SessionId) -> Result<PathBuf, DoorError> {
        self.1.at("before doors.open");
        self.0.open(session)
    }

    fn changed(&self, session: SessionId) -> Answer<'_, ()> {
        self.0.changed(session)
    }

    fn cut(&self, session: SessionId) -> Answer<'_, ()> {
        self.0.cut(session)
    }

    fn close(&self, session: SessionId) -> Answer<'_, Cut> {
        Box::pin(async move {
            self.1.at("before doors.close");
            let cut = self.0.close(session).await;
            self.1.at("after doors.close");
            cut
        })
    }
}
