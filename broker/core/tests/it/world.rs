//! A broker whose every port is a fake.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Broker, Credential, CredentialName,
    Event, Pins, Record, Refusal, ScopeSet, Session, SessionId, Settings, SourceKind, Tier, User,
    UserId,
    approval::ApprovalRules,
    flow, lifecycle,
    ports::{
        ApproverQuestion, Clock as _, Consent, Effect, Policy, PolicyError, PolicySummary, Ports,
        Question, Verdict,
    },
    request::{Ask, Received, Released},
};
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::{
        approvals::MemoryApprovals,
        callers::FakeCallers,
        keys::NoKeys,
        lab::NoLab,
        ledger::MemoryLedger,
        locks::MemoryLocks,
        logins::FakeLogins,
        policy::{FakePolicy, Rules},
        rooms::NoRooms,
        secret_store::FakeSecretStore,
        sessions::MemorySessions,
    },
};

use crate::{doors::NotingDoors, ledger::CrookedLedger, source::EventfulSource};

/// The user id that owns the broker.
pub(crate) const OWNER: u32 = 1000;

/// The broker and everything around it. Alice and bob are developers, boss is an admin, eve an auditor;
/// each is logged in under their own name.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) callers: Arc<FakeCallers>,
    pub(crate) policy: Arc<ListeningPolicy>,
    pub(crate) source: Arc<EventfulSource>,
    pub(crate) ledger: Arc<CrookedLedger>,
    pub(crate) approvals: Arc<MemoryApprovals>,
    pub(crate) changed_policy: Arc<ListeningPolicy>,
    pub(crate) logins: Arc<FakeLogins>,
    pub(crate) doors: Arc<NotingDoors>,
}

impl World {
    pub(crate) fn new(effect: Effect) -> Self {
        let clock = Arc::new(MovableClock::default());
        let callers = Arc::new(FakeCallers::new(OWNER));
        let policy = Arc::new(ListeningPolicy::new(Rules::permit(&[("orders", "read")])));
        let source = Arc::new(EventfulSource::new(effect));
        let records = Arc::new(MemoryLedger::default());
        let ledger = Arc::new(CrookedLedger::new(Arc::clone(&records)));
        let approvals = Arc::new(MemoryApprovals::new(Arc::clone(&records)));
        let changed_policy = Arc::new(ListeningPolicy::new(Rules::default()));
        let logins = Arc::new(FakeLogins::default());
        let doors = Arc::new(NotingDoors::default());
        for (name, group) in [
            ("alice", "dev"),
            ("bob", "dev"),
            ("boss", "admins"),
            ("eve", "auditors"),
        ] {
            logins.log_in(&account(name), user(name, group));
        }
        let ports = Ports {
            callers: Arc::clone(&callers) as _,
            policy: Arc::clone(&policy) as _,
            lab: Arc::new(NoLab::new(
                Arc::clone(&policy) as _,
                Arc::clone(&changed_policy) as _,
            )),
            approvals: Arc::clone(&approvals) as _,
            reviewer: None,
            messengers: Vec::new(),
            locks: Arc::new(MemoryLocks::new(Arc::clone(&records))),
            sources: Arc::clone(&source) as _,
            secrets: Arc::new(FakeSecretStore::default()),
            keys: Arc::new(NoKeys),
            ledger: Arc::clone(&ledger) as _,
            audit: Arc::clone(&records) as _,
            watched: Vec::new(),
            sessions: Arc::new(MemorySessions::new(records)),
            logins: Arc::clone(&logins) as _,
            doors: Arc::clone(&doors) as _,
            rooms: Arc::new(NoRooms),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(CountingEntropy::default()),
        };
        let broker = Broker {
            ports,
            settings: settings(),
            host: Vec::new(),
            trial: None,
        };
        Self {
            broker,
            clock,
            callers,
            policy,
            source,
            ledger,
            approvals,
            changed_policy,
            logins,
            doors,
        }
    }

    /// A world, and a session of alice's with the agent `coder`.
    pub(crate) async fn with_session() -> (Self, Arc<Session>) {
        Self::with_session_and(Effect::Local).await
    }

    pub(crate) async fn with_session_and(effect: Effect) -> (Self, Arc<Session>) {
        let world = Self::new(effect);
        let session = world.session("alice", "coder").await;
        (world, session)
    }

    /// Starts a session of an hour.
    pub(crate) async fn session(&self, account_name: &str, agent: &str) -> Arc<Session> {
        let started = lifecycle::start(&self.broker, start(account_name, agent)).await;
        started.unwrap().0
    }

    /// The session as it is now.
    pub(crate) fn load(&self, session: SessionId) -> Arc<Session> {
        self.broker.ports.sessions.load(session).unwrap()
    }

    /// One token request.
    pub(crate) async fn token(&self, session: SessionId, ask: Ask) -> Result<Released, Refusal> {
        flow::token(&self.broker, self.received(session, ask)).await
    }

    pub(crate) fn received(&self, session: SessionId, ask: Ask) -> Received {
        let caller = Arc::new(self.callers.caller().unwrap());
        Received::new(self.broker.request_id(), session, caller, ask)
    }

    /// Everything that was recorded, oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.ledger.straight.records()
    }

    /// The kinds of what was recorded, oldest first.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.records()
            .iter()
            .map(|record| kind(&record.event))
            .collect()
    }

    /// The last thing that was recorded.
    pub(crate) fn last(&self) -> Event {
        self.records().pop().unwrap().event
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().unix_seconds()
    }
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

pub(crate) fn user(name: &str, group: &str) -> User {
    User {
        id: UserId {
            issuer: "https://id.example.test".to_owned(),
            subject: format!("id-of-{name}"),
        },
        display: name.to_owned(),
        groups: [group.to_owned()].into(),
    }
}

pub(crate) fn start(account_name: &str, agent: &str) -> lifecycle::StartSession {
    lifecycle::StartSession {
        account: account(account_name),
        agent: AgentName::parse(agent).unwrap(),
        sandbox: None,
        workspace: None,
        lifetime: Some(3600),
        pins: Pins::default(),
    }
}

/// For `read` at `orders`, with no more said.
pub(crate) fn ask() -> Ask {
    Ask {
        credential: "orders".to_owned(),
        scopes: vec!["read".to_owned()],
        ..Ask::default()
    }
}

fn settings() -> Settings {
    let orders = Credential {
        name: CredentialName::parse("orders").unwrap(),
        source: SourceKind::Signed,
        scopes: ScopeSet::parse(["read write"]).unwrap(),
        audiences: Audiences {
            first: Audience::parse("https://orders.example.test").unwrap(),
            others: vec![Audience::parse("https://other.example.test").unwrap()],
        },
        max_lifetime: 900,
        algorithm: Algorithm::EdDSA,
        owner: None,
        labels: BTreeSet::new(),
        min_tier: Tier::Auto,
        delivery: valetkey_core::Delivery::Token,
    };
    let bills = Credential {
        name: CredentialName::parse("bills").unwrap(),
        // More than the ceiling of any token, as no configuration may say.
        max_lifetime: 7200,
        ..orders.clone()
    };
    Settings {
        credentials: [orders, bills].into_iter().collect(),
        owner: OWNER,
        pid_namespace: 1,
        session_max: 24 * 3600,
        session_default: 8 * 3600,
        max_live_sessions: 4,
        admin_groups: ["admins".to_owned()].into(),
        auditor_groups: ["auditors".to_owned()].into(),
        admin_freshness: 77,
        approvals: ApprovalRules::default(),
        profiles: valetkey_core::Profiles::shipped(),
        commands: valetkey_core::commands::Commands::default(),
        requirements_expire: None,
    }
}

/// A policy that remembers what it was asked.
pub(crate) struct ListeningPolicy {
    rules: Mutex<FakePolicy>,
    heard: Mutex<Vec<String>>,
    heard_of_approvers: Mutex<Vec<String>>,
    between: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl ListeningPolicy {
    fn new(rules: Rules) -> Self {
        Self {
            rules: Mutex::new(FakePolicy::new(rules)),
            heard: Mutex::default(),
            heard_of_approvers: Mutex::default(),
            between: Mutex::default(),
        }
    }

    /// Other rules from now on.
    pub(crate) fn follow(&self, rules: Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = FakePolicy::new(rules);
    }

    /// What the next reload brings.
    pub(crate) fn write(&self, next: Result<Rules, PolicyError>) {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.write(next);
    }

    /// This happens while it is next asked who may approve, which is the last thing before an answer
    /// is given or used.
    pub(crate) fn between(&self, event: Box<dyn FnOnce() + Send>) {
        *self.between.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
    }

    /// Every question, with all that it says.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every question of who may approve, with all that it says.
    pub(crate) fn heard_of_approvers(&self) -> Vec<String> {
        let heard = self.heard_of_approvers.lock();
        heard.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Policy for ListeningPolicy {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, PolicyError> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(format!("{question:?}"));
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .decide(question)
    }

    fn may_approve(&self, question: &ApproverQuestion<'_>) -> Result<Consent, PolicyError> {
        let heard = self.heard_of_approvers.lock();
        heard
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{question:?}"));
        let between = self.between.lock();
        let event = between.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(event) = event {
            event();
        }
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .may_approve(question)
    }

    fn summary(&self) -> PolicySummary {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .summary()
    }

    fn reload(&self) -> Result<PolicySummary, PolicyError> {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reload()
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::TokenIntended { .. } => "intended",
        Event::TokenIssued { .. } => "issued",
        Event::TokenRefused { .. } => "refused",
        Event::SessionStarted { .. } => "started",
        Event::SessionChanged { .. } => "changed",
        Event::RevocationOrdered { .. } => "ordered",
        Event::AdminRefused { .. } => "admin refused",
        Event::WouldBeRefused { .. } => "would be refused",
        Event::ApprovalAsked { .. } => "asked",
        Event::ApprovalReviewed { .. } => "reviewed",
        Event::ApprovalAnswered { .. } => "answered",
        Event::ApprovalDisputed { .. } => "disputed",
        Event::ApprovalEnded { .. } => "over",
        Event::MachineLocked { .. } => "locked",
        Event::MachineUnlocked { .. } => "unlocked",
        _ => "other",
    }
}
