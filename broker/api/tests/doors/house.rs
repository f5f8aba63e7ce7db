//! A broker on fakes, with its doors on real sockets.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use valetkey_api::{About, Limits, SessionDoors, serve_control};
use valetkey_core::{
    AccountName, AgentName, Algorithm, Audience, Audiences, Broker, Credential, CredentialName,
    Pins, Record, ScopeSet, SessionId, Settings, SourceKind,
    lifecycle::{self, StartSession},
    ports::{Callers, Ports},
};
use valetkey_support::{
    CountingEntropy, MovableClock,
    fakes::{
        callers::FakeCallers,
        ledger::MemoryLedger,
        policy::{FakePolicy, Rules},
        secret_store::FakeSecretStore,
        sessions::MemorySessions,
    },
};

use crate::stubs::{NamesakeLogins, SpelledTokens, TwoKeys};

pub(crate) struct House {
    pub doors: Arc<SessionDoors>,
    pub broker: Broker,
    pub ledger: Arc<MemoryLedger>,
    pub clock: Arc<MovableClock>,
    pub tokens: Arc<SpelledTokens>,
    pub logins: Arc<NamesakeLogins>,
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
        let permitted = [("files", "read"), ("files", "list"), ("mail", "read")];
        let ports = Ports {
            callers,
            policy: Arc::new(FakePolicy::new(
                Rules::permit(&permitted).forbid(&[("files", "erase")]),
            )),
            sources: Arc::clone(&tokens) as _,
            secrets: Arc::new(FakeSecretStore::default()),
            keys: Arc::new(TwoKeys),
            ledger: Arc::clone(&ledger) as _,
            audit: Arc::clone(&ledger) as _,
            sessions: Arc::new(MemorySessions::new(Arc::clone(&ledger))),
            logins: Arc::clone(&logins) as _,
            doors: Arc::clone(&doors) as _,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(CountingEntropy::default()),
        };
        let broker = Broker {
            ports,
            settings: settings(runtime.path().metadata().unwrap().uid()),
            host: Vec::new(),
        };
        doors.attach(broker.clone());
        Self {
            doors,
            broker,
            ledger,
            clock,
            tokens,
            logins,
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
        }
    };
    let files = ["https://files.test", "https://shared.test"];
    let mail = ["https://mail.test", "https://shared.test"];
    Settings {
        credentials: [
            credential("files", "read list write erase", &files),
            credential("mail", "read", &mail),
        ]
        .into_iter()
        .collect(),
        owner,
        session_max: 86_400,
        session_default: 3600,
        max_live_sessions: 2000,
        admin_groups: ["admins".to_owned()].into(),
        auditor_groups: Default::default(),
        admin_freshness: 60,
    }
}
