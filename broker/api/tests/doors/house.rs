//! A broker on fakes, with its doors on real sockets.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use valetkey_api::{About, Limits, SessionDoors, serve_control};
use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Broker, Credential, CredentialName,
    Pins, Record, ScopeSet, SessionId, Settings, SourceKind, Tier,
    approval::ApprovalRules,
    lifecycle::{self, StartSession},
    ports::{Callers, Ports},
};
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::{
        approvals::MemoryApprovals,
        callers::FakeCallers,
        lab::NoLab,
        ledger::MemoryLedger,
        locks::MemoryLocks,
        policy::{FakePolicy, Rules, Who},
        reviewer::ScriptedReviewer,
        rooms::NoRooms,
        secret_store::FakeSecretStore,
        sessions::MemorySessions,
    },
};

use crate::stubs::{NamesakeLogins, SpelledTokens, TwoKeys, UnhurriedApprovals};

pub(crate) struct House {
    pub doors: Arc<SessionDoors>,
    pub broker: Broker,
    pub ledger: Arc<MemoryLedger>,
    pub clock: Arc<MovableClock>,
    pub tokens: Arc<SpelledTokens>,
    pub logins: Arc<NamesakeLogins>,
    pub policy: Arc<FakePolicy>,
    pub reviewer: Arc<ScriptedReviewer>,
    pub runtime: TempDir,
}

/// A control socket that is being served.
pub(crate) struct Control {
    pub path: PathBuf,
    pub stop: CancellationToken,
    pub task: JoinHandle<std::io::Result<()>>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let runtime = tempfile::tempdir().unwrap();
        let owner = runtime.path().metadata().unwrap().uid();
        Self::among(runtime, limits, Arc::new(FakeCallers::new(owner))).await
    }

    /// A house whose callers are all of another user.
    pub(crate) async fn among_foreigners() -> Self {
        let runtime = tempfile::tempdir().unwrap();
        let owner = runtime.path().metadata().unwrap().uid();
        let foreigners = Arc::new(FakeCallers::new(owner + 1));
        Self::among(runtime, Limits::default(), foreigners).await
    }

    pub(crate) async fn among(runtime: TempDir, limits: Limits, callers: Arc<dyn Callers>) -> Self {
        let doors = SessionDoors::new(runtime.path().into(), limits);
        let doors = Arc::new(doors.await.unwrap());
        let ledger = Arc::new(MemoryLedger::default());
        let clock = Arc::new(MovableClock::default());
        let tokens = Arc::new(SpelledTokens::default());
        let logins = Arc::new(NamesakeLogins::default());
        let policy = Arc::new(FakePolicy::new(rules()));
        let changed = Arc::new(FakePolicy::new(rules().forbid(&[("files", "list")])));
        let lab = NoLab::new(Arc::clone(&policy) as _, changed);
        let reviewer = Arc::new(ScriptedReviewer::new("lint"));
        let ports = Ports {
            callers,
            policy: Arc::clone(&policy) as _,
            lab: Arc::new(lab),
            approvals: Arc::new(UnhurriedApprovals(MemoryApprovals::new(Arc::clone(
                &ledger,
            )))),
            reviewer: Some(Arc::clone(&reviewer) as _),
            messengers: Vec::new(),
            locks: Arc::new(MemoryLocks::new(Arc::clone(&ledger))),
            sources: Arc::clone(&tokens) as _,
            secrets: Arc::new(FakeSecretStore::default()),
            keys: Arc::new(TwoKeys),
            ledger: Arc::clone(&ledger) as _,
            audit: Arc::clone(&ledger) as _,
            watched: Vec::new(),
            sessions: Arc::new(MemorySessions::new(Arc::clone(&ledger))),
            logins: Arc::clone(&logins) as _,
            doors: Arc::clone(&doors) as _,
            rooms: Arc::new(NoRooms),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(CountingEntropy::default()),
        };
        let broker = Broker {
            ports,
            settings: settings(runtime.path().metadata().unwrap().uid()),
            host: Vec::new(),
            trial: None,
        };
        doors.attach(broker.clone());
        Self {
            doors,
            broker,
            ledger,
            clock,
            tokens,
            logins,
            policy,
            reviewer,
            runtime,
        }
    }

    pub(crate) async fn session(&self) -> (SessionId, PathBuf) {
        self.pinned(Pins::default()).await
    }

    pub(crate) async fn pinned(&self, pins: Pins) -> (SessionId, PathBuf) {
        let ask = StartSession {
            account: AccountName::parse("alice").unwrap(),
            agent: AgentName::parse("coder").unwrap(),
            sandbox: None,
            workspace: None,
            lifetime: None,
            pins,
        };
        let (session, socket) = lifecycle::start(&self.broker, ask).await.unwrap();
        (session.id, socket)
    }

    pub(crate) fn about(&self) -> About {
        About {
            version: "0.0.0".into(),
            token_issuer: "http://127.0.0.1:1".into(),
            runtime: self.runtime.path().into(),
            requirements: vec!["minimum tier of `prod`: human".into()],
        }
    }

    pub(crate) fn control(&self) -> Control {
        let path = self.runtime.path().join("control.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve_control(
            listener,
            self.broker.clone(),
            self.about(),
            Limits::control(),
            stop.clone().cancelled_owned(),
        ));
        Control { path, stop, task }
    }

    /// The records with this `event`.
    pub(crate) fn recorded(&self, event: &str) -> Vec<Record> {
        let of_kind = |record: &Record| {
            let json = serde_json::to_value(record).unwrap();
            json["event"] == event
        };
        self.ledger.records().into_iter().filter(of_kind).collect()
    }
}

/// `files` and `mail` are read at once; `prod` is looked at after a review and changed after a person's
/// approval. Whoever asks may approve, and so may the group `seniors`.
pub(crate) fn rules() -> Rules {
    Rules::permit(&[("files", "read"), ("files", "list"), ("mail", "read")])
        .review(&[("prod", "watch")])
        .human(&[("prod", "deploy"), ("prod", "drop")])
        .forbid(&[("files", "erase")])
        .approver(Who::Group("seniors".into()), "prod")
}

fn settings(owner: u32) -> Settings {
    let credential = |name: &str, scopes: &str, audiences: &[&str]| {
        let mut audiences = audiences.iter().map(|a| Audience::parse(a).unwrap());
        Credential {
            name: CredentialName::parse(name).unwrap(),
            source: SourceKind::Signed,
            scopes: ScopeSet::parse([scopes]).unwrap(),
            audiences: Audiences {
                first: audiences.next().unwrap(),
                others: audiences.collect(),
            },
            max_lifetime: 900,
            algorithm: Algorithm::EdDSA,
            owner: None,
            labels: Default::default(),
            min_tier: Tier::Auto,
            delivery: valetkey_core::Delivery::Token,
        }
    };
    let files = ["https://files.test", "https://shared.test"];
    let mail = ["https://mail.test", "https://shared.test"];
    Settings {
        credentials: [
            credential("files", "read list write erase", &files),
            credential("mail", "read", &mail),
            credential("prod", "watch deploy drop", &["https://prod.test"]),
        ]
        .into_iter()
        .collect(),
        owner,
        pid_namespace: 1,
        session_max: 86_400,
        session_default: 3600,
        max_live_sessions: 2000,
        admin_groups: ["admins".to_owned()].into(),
        auditor_groups: Default::default(),
        admin_freshness: 60,
        approvals: ApprovalRules::default(),
        profiles: valetkey_core::Profiles::shipped(),
        commands: valetkey_core::commands::Commands::default(),
        requirements_expire: None,
    }
}
