//! The gate over the core: asks for leave and values by the one way in which everything is asked for, and
//! remembers the answers for as long as they hold.

mod books;
mod doors;
mod loans;
mod network;
mod passes;
mod rooms;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use valetkey_codes::Code;
use valetkey_core::{
    ApprovalId, Broker, Caller, Moment, Refusal, SessionId, SourceKind, approvals, is_safe,
    lifecycle,
    network::{HostName, Origin, Target},
    passage,
    ports::{Answer, Clock, SecretKey, StoreError},
    request::Released,
};

use crate::{Entry, Gate, Lenders, Loan, Sent, Used, Way, upstream::may_reach};
use books::{Books, Kind};
use loans::Loans;
use passes::Passes;

pub use doors::ProxiedDoors;
pub use network::Network;
pub use rooms::SessionRooms;

/// Where the profile is in the way.
const OTHER_PROFILE: &str =
    "where it is meant to do more, the developer starts it with another `--profile`";
/// How often an asked-for leave is asked for again because somebody else used its approval first.
const TRIES: usize = 8;

/// The gate over the core. It needs the [`Broker`], and the broker's ports need it: it is made first and
/// [attached](Self::attach) afterwards.
pub struct Porter {
    broker: OnceLock<Arc<Broker>>,
    clock: Arc<dyn Clock>,
    network: Network,
    callers: Mutex<HashMap<SessionId, Arc<Caller>>>,
    passes: Passes,
    loans: Loans,
    books: Books,
}

impl Porter {
    /// A gate that knows this of the network.
    pub fn new(network: Network, clock: Arc<dyn Clock>) -> Self {
        Self {
            broker: OnceLock::new(),
            clock,
            network,
            callers: Mutex::default(),
            passes: Passes::default(),
            loans: Loans::default(),
            books: Books::default(),
        }
    }

    /// Gives it the broker, once, before the first sandbox is handed in.
    pub fn attach(&self, broker: Broker) {
        self.broker.get_or_init(|| Arc::new(broker));
    }

    /// Records what passed, until `stop` is ready and once more then.
    pub async fn record(&self, stop: impl Future<Output = ()>) {
        self.books.keep(self, stop).await;
    }

    /// Forgets what it was told about the session: everything is asked anew.
    pub(crate) fn forget(&self, session: SessionId) {
        self.passes.forget(session);
        self.loans.forget(session);
    }

    /// The session's room is empty.
    pub(crate) fn left(&self, session: SessionId) {
        self.forget(session);
        let missed = self.books.forget_pace(session);
        if missed > 0 {
            tracing::warn!(%session, missed, "refusals of the session's proxy that no record speaks of");
        }
        self.locked().remove(&session);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<Caller>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broker(&self) -> Result<&Arc<Broker>, Refusal> {
        self.broker.get().ok_or_else(|| Code::ShuttingDown.into())
    }

    fn caller(&self, session: SessionId) -> Result<Arc<Caller>, Refusal> {
        let caller = self.locked().get(&session).cloned();
        caller.ok_or_else(|| Code::CallerGone.into())
    }

    /// Asks, and where that needs an approval waits for it and asks again.
    async fn patiently<'a, F, A>(
        &'a self,
        broker: &'a Broker,
        session: SessionId,
        ask: F,
    ) -> Result<Released, Refusal>
    where
        F: Fn() -> A,
        A: Future<Output = Result<Released, Refusal>>,
    {
        let mut answer = ask().await;
        let wait: Duration = self.network.wait;
        if wait.is_zero() {
            return answer;
        }
        let waited = tokio::time::timeout(wait, async {
            for _ in 0..TRIES {
                let Err(refusal) = &answer else { break };
                match (refusal.code(), refusal.approval()) {
                    (Code::ApprovalPending, Some(id)) => {
                        approvals::outcome(broker, session, id).await?;
                    }
                    (Code::ApprovalSettled, _) => {}
                    _ => break,
                }
                answer = ask().await;
            }
            Ok::<(), Refusal>(())
        });
        match waited.await {
            Ok(Err(refusal)) => Err(refusal),
            Ok(Ok(())) | Err(_) => answer,
        }
    }

    async fn ask_to_pass(&self, session: SessionId, target: &Target) -> Result<(), Refusal> {
        let broker = self.broker()?;
        let asked = self.passes.generation();
        if let Target::Request { .. } = target
            && passage::passes_at_once(broker, session, target)?
        {
            self.passes
                .briefly(session, target, self.clock.now(), asked);
            return Ok(());
        }
        let caller = self.caller(session)?;
        let leave = || passage::leave(broker, session, &caller, target);
        let released = self.patiently(broker, session, leave).await?;
        // What somebody was asked about is for this request; leave to connect lasts as long as its lease.
        if matches!(target, Target::Connect(_)) {
            let now = self.clock.now();
            let left = released.lease().expires.saturating_sub(now.unix_seconds());
            self.passes
                .keep(session, target, now.after(left), released.approval(), asked);
        }
        Ok(())
    }

    /// What the session's profile says whatever the policies do.
    fn within_profile(
        &self,
        broker: &Broker,
        session: SessionId,
        target: &Target,
    ) -> Result<(), Refusal> {
        let known = broker.ports.sessions.load(session);
        let known = known.ok_or(Code::UnknownSession)?;
        let profile = broker.settings.profiles.find(known.profile.as_ref());
        let Some(profile) = profile.filter(|profile| profile.network) else {
            return Err(Refusal::new(Code::Denied)
                .saying("this sandbox has no network")
                .advising(OTHER_PROFILE));
        };
        match target {
            Target::Request { method, .. } if profile.only_reads && !is_safe(method) => {
                Err(Refusal::new(Code::Denied)
                    .saying("this sandbox only reads: GET, HEAD and OPTIONS")
                    .advising(OTHER_PROFILE))
            }
            _ => Ok(()),
        }
    }

    /// Nobody is asked about a host of which the configuration says that it is where nothing leads.
    fn leads_out(&self, origin: &Origin) -> Result<(), Refusal> {
        let Some(ip) = self.located(&origin.endpoint.host) else {
            return Ok(());
        };
        let address = SocketAddr::new(ip, origin.endpoint.port);
        if may_reach(self, address) {
            return Ok(());
        }
        let said = format!("the host is at {address}, which no sandbox reaches");
        Err(Refusal::new(Code::AddressRefused)
            .saying(said)
            .advising("the developer names it in `network.addresses` and restarts the broker"))
    }

    fn still_stands(&self, session: SessionId, approval: Option<ApprovalId>) -> bool {
        approval.is_none()
            || self
                .broker
                .get()
                .is_some_and(|broker| approvals::not_taken_back(broker, session, approval).is_ok())
    }
}

impl Gate for Porter {
    fn pass<'a>(
        &'a self,
        session: SessionId,
        target: &'a Target,
    ) -> Answer<'a, Result<(), Refusal>> {
        Box::pin(async move {
            let broker = self.broker()?;
            passage::is_open(broker, session)?;
            let refused = self.within_profile(broker, session, target);
            if let Err(refusal) = refused.and_then(|()| self.leads_out(target.origin())) {
                let said = format!("{} {}", target.scope(), target.origin());
                self.refused(session, &said, &refusal).await;
                return Err(refusal);
            }
            let now = self.clock.now();
            match self.passes.find(session, target, now) {
                Some(Ok(approval)) if self.still_stands(session, approval) => return Ok(()),
                Some(Err(refusal)) => {
                    self.books.refused(session, target.origin());
                    return Err(refusal);
                }
                _ => {}
            }
            self.books.in_time(session, now)?;
            let asked = self.ask_to_pass(session, target).await;
            if let Err(refusal) = &asked {
                self.passes.refused(session, target, refusal, now);
            }
            asked
        })
    }

    fn looks_into(&self, session: SessionId, origin: &Origin) -> bool {
        let Some(broker) = self.broker.get() else {
            return true;
        };
        let only_reads = || {
            let known = broker.ports.sessions.load(session)?;
            let profile = broker.settings.profiles.find(known.profile.as_ref())?;
            Some(profile.only_reads)
        };
        self.network.looks_into(origin) || only_reads().unwrap_or(true)
    }

    fn lenders(&self, origin: &Origin) -> Lenders {
        self.network.lenders(origin)
    }

    fn kept<'a>(
        &'a self,
        session: SessionId,
        lenders: &'a Lenders,
    ) -> Answer<'a, Result<Vec<Sent>, Refusal>> {
        Box::pin(async move {
            let broker = self.broker()?;
            // A keyring that is locked may ask its developer, each time.
            self.books.in_time(session, self.clock.now())?;
            let mut kept = Vec::new();
            for (name, ways) in self.network.kept(lenders) {
                let secret = match broker.ports.secrets.read(&SecretKey::Named(name)).await {
                    Ok(secret) => secret,
                    // Nobody stored it yet, so nobody was lent it.
                    Err(StoreError::NoEntry) => continue,
                    Err(error) => return Err(error.code().into()),
                };
                let loan = Arc::new(Loan {
                    value: secret.into_loan(),
                    ends: self.clock.now().after(0),
                    worth: None,
                });
                kept.extend(ways.into_iter().map(|way| (Arc::clone(&loan), way)));
            }
            Ok(kept)
        })
    }

    fn ways(&self, target: &Target) -> Vec<Way> {
        self.network.ways(target)
    }

    fn lend<'a>(
        &'a self,
        session: SessionId,
        way: &'a Way,
        origin: &'a Origin,
    ) -> Answer<'a, Result<Arc<Loan>, Refusal>> {
        Box::pin(async move {
            let broker = self.broker()?;
            passage::is_open(broker, session)?;
            let now = self.clock.now();
            let place = self.loans.place(session, way, origin, now)?;
            let mut place = place.lock().await;
            let now = self.clock.now();
            if let Some(loan) = place.holds(now)
                && self.still_stands(session, loan.approval)
            {
                return Ok(Arc::clone(&loan.loan));
            }
            self.books.in_time(session, now)?;
            let caller = self.caller(session)?;
            let what = (&way.credential, way.scope.as_str());
            let borrow = || passage::borrow(broker, session, &caller, what, origin);
            let released = self.patiently(broker, session, borrow).await?;
            let known = broker.settings.credentials.find(way.credential.as_str());
            let is_kept = known.is_none_or(|known| known.source == SourceKind::Static);
            Ok(place.put(released, is_kept, self.clock.now()))
        })
    }

    fn base(&self, credential: &str) -> Option<Origin> {
        self.network.base(credential)
    }

    fn admits(&self, address: SocketAddr) -> bool {
        self.network.addresses.contains(&address)
    }

    fn located(&self, host: &HostName) -> Option<IpAddr> {
        self.network.hosts.get(host).copied()
    }

    fn used(&self, session: SessionId, used: Used) {
        self.books.used(session, used);
    }

    fn refused<'a>(
        &'a self,
        session: SessionId,
        target: &'a str,
        refusal: &'a Refusal,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let Some(broker) = self.broker.get() else {
                return;
            };
            let detail = refusal.detail().unwrap_or_default();
            let is_alarm = refusal.code() == Code::PlaceholderMisused;
            let kind = if is_alarm {
                Kind::Alarm(detail.into())
            } else {
                Kind::Common
            };
            let Some(missed) = self.books.worth_a_record(session, kind, self.clock.now()) else {
                return;
            };
            if is_alarm {
                tracing::warn!(%session, "a placeholder was sent where it does not belong");
            }
            if missed == 0 {
                return passage::refused(broker, session, target, refusal).await;
            }
            let words = format!("{detail}; {missed} more of the kind before it");
            let refusal = Refusal::new(refusal.code()).because(words);
            passage::refused(broker, session, target, &refusal).await;
        })
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

impl Entry for Porter {
    fn enter<'a>(
        &'a self,
        session: SessionId,
        sandbox_pid: i32,
    ) -> Answer<'a, Result<(), Refusal>> {
        Box::pin(async move {
            let broker = self.broker()?;
            let caller = lifecycle::enter(broker, session, sandbox_pid).await?;
            self.locked().insert(session, caller);
            Ok(())
        })
    }

    fn left(&self, session: SessionId) -> Answer<'_, ()> {
        Box::pin(async move {
            let Some(broker) = self.broker.get() else {
                return;
            };
            if let Err(refusal) = lifecycle::end(broker, session).await {
                let why = refusal.message();
                tracing::warn!(%session, why, "the session of a sandbox that is gone was not ended");
            }
        })
    }

    fn over(&self, session: SessionId) -> Answer<'_, Code> {
        Box::pin(async move {
            let over = self
                .broker()
                .map(|broker| passage::is_open(broker, session));
            match over {
                Ok(Err(refusal)) | Err(refusal) => refusal.code(),
                Ok(Ok(())) => Code::ShuttingDown,
            }
        })
    }
}
