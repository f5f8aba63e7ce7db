//! A porter, a broker of fakes, and a session in a sandbox.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Broker, Credential, CredentialName,
    Credentials, Delivery, Event, Inject, Injection, Passed, Pins, Placement, ProfileName,
    Profiles, Record, ScopeSet, SecretName, SessionId, Settings, SourceKind, Tier, User, UserId,
    approval::ApprovalRules,
    commands::Commands,
    lifecycle,
    network::{HostName, Origin, OriginPattern, Target},
    ports::{Effect, Ports},
};
use valetkey_egress::{Entry as _, Network, Porter};
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::{
        approvals::MemoryApprovals,
        callers::FakeCallers,
        doors::NoDoors,
        keys::NoKeys,
        lab::NoLab,
        ledger::MemoryLedger,
        locks::MemoryLocks,
        logins::FakeLogins,
        policy::{FakePolicy, Rules},
        rooms::NoRooms,
        secret_store::FakeSecretStore,
        sessions::MemorySessions,
        sources::FakeSources,
    },
};

pub(crate) const API: &str = "https://api.example.test";

pub(crate) struct House {
    pub(crate) porter: Arc<Porter>,
    pub(crate) broker: Broker,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) policy: Arc<FakePolicy>,
    pub(crate) sources: Arc<FakeSources>,
    pub(crate) session: SessionId,
}

impl House {
    pub(crate) async fn new(rules: Rules) -> Self {
        Self::with_profile(rules, "workspace-write").await
    }

    pub(crate) async fn with_profile(rules: Rules, profile: &str) -> Self {
        let ledger = Arc::new(MemoryLedger::default());
        let clock = Arc::new(MovableClock::default());
        let policy = Arc::new(FakePolicy::new(rules));
        let sources = Arc::new(FakeSources::new(Effect::Local));
        let logins = Arc::new(FakeLogins::default());
        let account = AccountName::parse("alice").unwrap();
        logins.log_in(&account, alice());
        let credentials: Credentials = [network(), key()].into_iter().collect();
        let ports = Ports {
            callers: Arc::new(FakeCallers::new(1000)),
            policy: Arc::clone(&policy) as _,
            lab: Arc::new(NoLab::new(
                Arc::clone(&policy) as _,
                Arc::clone(&policy) as _,
            )),
            approvals: Arc::new(MemoryApprovals::new(Arc::clone(&ledger))),
            reviewer: None,
            messengers: Vec::new(),
            locks: Arc::new(MemoryLocks::new(Arc::clone(&ledger))),
            sources: Arc::clone(&sources) as _,
            secrets: Arc::new(FakeSecretStore::default()),
            keys: Arc::new(NoKeys),
            ledger: Arc::clone(&ledger) as _,
            audit: Arc::clone(&ledger) as _,
            watched: Vec::new(),
            sessions: Arc::new(MemorySessions::new(Arc::clone(&ledger))),
            logins: logins as _,
            doors: Arc::new(NoDoors),
            rooms: Arc::new(NoRooms),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(CountingEntropy::default()),
        };
        let broker = Broker {
            ports,
            settings: settings(credentials.clone()),
            host: Vec::new(),
            trial: None,
        };
        let network = Network {
            addresses: BTreeSet::new(),
            hosts: [(
                HostName::parse("inside.test").unwrap(),
                [10, 0, 0, 1].into(),
            )]
            .into(),
            inspect: Vec::new(),
            credentials,
            spoken_of: Arc::new(|_| false),
            wait: Duration::ZERO,
        };
        let porter = Arc::new(Porter::new(network, Arc::clone(&clock) as _));
        porter.attach(broker.clone());
        let start = lifecycle::StartSession {
            account,
            agent: AgentName::parse("coder").unwrap(),
            workspace: None,
            lifetime: Some(3600),
            pins: Pins::default(),
            sandbox: Some(ProfileName::parse(profile).unwrap()),
        };
        let (session, _) = lifecycle::start(&broker, start).await.unwrap();
        let session = session.id;
        porter.enter(session, 4242).await.unwrap();
        Self {
            porter,
            broker,
            ledger,
            clock,
            policy,
            sources,
            session,
        }
    }

    /// So many seconds later.
    pub(crate) fn later(&self, seconds: u64) {
        self.clock.change(|now| {
            now.unix_ms += seconds * 1000;
            now.boot_us += seconds * 1_000_000;
        });
    }

    pub(crate) fn count(&self, wanted: fn(&Event) -> bool) -> usize {
        let records: Vec<Record> = self.ledger.records();
        records
            .iter()
            .filter(|record| wanted(&record.event))
            .count()
    }

    pub(crate) fn issued(&self) -> usize {
        self.count(|event| matches!(event, Event::TokenIssued { .. }))
    }

    pub(crate) fn refused(&self) -> usize {
        self.count(|event| matches!(event, Event::TokenRefused { .. }))
    }

    /// What was recorded of what passed.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        let records: Vec<Record> = self.ledger.records();
        let passed = records.into_iter().filter_map(|record| match record.event {
            Event::NetworkUsed { passed } => Some(passed),
            _ => None,
        });
        passed.flatten().collect()
    }
}

pub(crate) fn origin(url: &str) -> Origin {
    Origin::split(url).unwrap().0
}

pub(crate) fn connect(url: &str) -> Target {
    Target::Connect(origin(url))
}

pub(crate) fn request(method: &str, url: &str) -> Target {
    let (origin, path) = Origin::split(url).unwrap();
    Target::Request {
        origin,
        method: method.into(),
        path: path.into(),
    }
}

fn alice() -> User {
    User {
        id: UserId {
            issuer: "https://id.example.test".to_owned(),
            subject: "alice".to_owned(),
        },
        display: "alice".to_owned(),
        groups: ["dev".to_owned()].into(),
    }
}

fn network() -> Credential {
    Credential {
        name: CredentialName::parse(Credential::NETWORK).unwrap(),
        source: SourceKind::Network,
        scopes: ScopeSet::default(),
        audiences: Audiences {
            first: Audience::parse("https://*").unwrap(),
            others: Vec::new(),
        },
        max_lifetime: 600,
        algorithm: Algorithm::EdDSA,
        owner: None,
        labels: BTreeSet::new(),
        min_tier: Tier::Auto,
        delivery: Delivery::Pass,
    }
}

fn key() -> Credential {
    let way = Injection {
        hosts: ["api.example.test", "*.many.test"]
            .map(|hosts| OriginPattern::parse(hosts).unwrap())
            .into(),
        methods: Vec::new(),
        paths: Vec::new(),
        scope: None,
        place: Placement::Header {
            name: "x-key".to_owned(),
            prefix: String::new(),
        },
        always: true,
    };
    Credential {
        name: CredentialName::parse("key").unwrap(),
        source: SourceKind::Static,
        scopes: ScopeSet::parse(["read write"]).unwrap(),
        delivery: Delivery::Inject(Inject {
            ways: vec![Arc::new(way)],
            secret: SecretName::parse("key").unwrap(),
            variable: None,
            prefix: String::new(),
            base_url: None,
        }),
        ..network()
    }
}

fn settings(credentials: Credentials) -> Settings {
    Settings {
        credentials,
        owner: 1000,
        pid_namespace: 1,
        session_max: 24 * 3600,
        session_default: 8 * 3600,
        max_live_sessions: 4,
        admin_groups: BTreeSet::new(),
        auditor_groups: BTreeSet::new(),
        admin_freshness: 300,
        approvals: ApprovalRules::default(),
        profiles: Profiles::shipped(),
        commands: Commands::default(),
        requirements_expire: None,
    }
}
