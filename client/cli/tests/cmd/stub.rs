//! A broker that answers what it was told to, on sockets of its own.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::UnixListener,
    runtime::{self, Runtime},
    sync::{Notify, watch},
    time::timeout,
};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Status, metadata::MetadataMap, transport::Server};
use valetkey_sdk::{
    Code,
    wire::{
        admin::admin_server::AdminServer,
        agent::{GetTokenRequest, agent_server::AgentServer},
        developer::{Approval, developer_server::DeveloperServer},
        metadata,
    },
};

use crate::doors::{Doors, decisions};

/// What the broker says and what it has heard.
pub(crate) struct Script {
    /// Stands in every text that a broker could have from outside.
    pub(crate) word: String,
    /// Refuses every call so.
    pub(crate) refuse: Option<Code>,
    /// Whether the ledger has a fault and something is ill.
    pub(crate) ill: bool,
    /// Whether the session may ask for nothing.
    pub(crate) ungranted: bool,
    /// Whether a person has to grant every token.
    pub(crate) asks: bool,
    /// Whether the stream of approvals goes on.
    pub(crate) live: bool,
    /// Approvals that there are; without a script one that is open and one that stands.
    pub(crate) approvals: watch::Sender<Vec<Approval>>,
    /// Notified when a request waits for a person.
    pub(crate) waits: Notify,
    /// Lets a request go on that waits.
    pub(crate) answered: Notify,
    /// What was asked: the call and its request.
    pub(crate) heard: Mutex<Vec<String>>,
    /// The secrets that were stored.
    pub(crate) secrets: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            word: "word".to_owned(),
            refuse: None,
            ill: false,
            ungranted: false,
            asks: false,
            live: false,
            approvals: watch::channel(Vec::new()).0,
            waits: Notify::new(),
            answered: Notify::new(),
            heard: Mutex::default(),
            secrets: Mutex::default(),
        }
    }
}

impl Script {
    /// Notes a call down, and answers it unless calls are refused.
    pub(crate) fn hear(&self, call: String) -> Result<(), Status> {
        self.heard.lock().unwrap().push(call);
        let Some(code) = self.refuse else {
            return Ok(());
        };
        let mut map = MetadataMap::new();
        map.insert(metadata::CODE, code.id().parse().unwrap());
        map.insert(metadata::REQUEST, "request-7".parse().unwrap());
        let message = format!("{}: {}", code.row().text, self.word);
        Err(Status::with_metadata(
            tonic::Code::from(code.row().grpc as i32),
            message,
            map,
        ))
    }
}

/// The id of the question that every request puts.
pub(crate) const QUESTION: &str = "019a9f00-0000-7000-8000-0000aaaa0001";

impl Script {
    /// Where a person has to grant a token, waits for them, or refuses.
    pub(crate) async fn ask_a_person(&self, request: &GetTokenRequest) -> Result<(), Status> {
        if !self.asks {
            return Ok(());
        }
        if request.wait_seconds.is_some() {
            self.waits.notify_one();
            self.answered.notified().await;
            return Ok(());
        }
        let code = Code::ApprovalPending;
        let mut map = MetadataMap::new();
        map.insert(metadata::CODE, code.id().parse().unwrap());
        map.insert(metadata::APPROVAL, QUESTION.parse().unwrap());
        let grpc = tonic::Code::from(code.row().grpc as i32);
        Err(Status::with_metadata(grpc, "", map))
    }
}

/// The broker, until it is dropped.
pub(crate) struct Stub {
    pub(crate) script: Arc<Script>,
    directory: TempDir,
    runtime: Option<Runtime>,
}

impl Stub {
    /// A broker that answers everything.
    pub(crate) fn start() -> Self {
        Self::with(Script::default())
    }

    /// A broker that follows a script.
    pub(crate) fn with(script: Script) -> Self {
        let script = Arc::new(script);
        let directory = tempfile::tempdir().unwrap();
        let stub = Self {
            script: Arc::clone(&script),
            runtime: Some(
                runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .unwrap(),
            ),
            directory,
        };
        script.approvals.send_if_modified(|approvals| {
            let none = approvals.is_empty();
            if none {
                *approvals = decisions::usual(&script.word);
            }
            none
        });
        let folder = stub.runtime().join("valetkey");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        let runtime = stub.runtime.as_ref().unwrap();
        let guard = runtime.enter();
        let control = UnixListener::bind(stub.control()).unwrap();
        let session = UnixListener::bind(stub.session()).unwrap();
        drop(guard);
        let doors = Doors(script);
        runtime.spawn(
            Server::builder()
                .add_service(DeveloperServer::new(doors.clone()))
                .add_service(AdminServer::new(doors.clone()))
                .serve_with_incoming(UnixListenerStream::new(control)),
        );
        runtime.spawn(
            Server::builder()
                .add_service(AgentServer::new(doors))
                .serve_with_incoming(UnixListenerStream::new(session)),
        );
        stub
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.runtime().join("valetkey/control.sock")
    }

    pub(crate) fn session(&self) -> PathBuf {
        self.runtime().join("session.sock")
    }

    /// Until an agent's request waits for a person.
    pub(crate) fn until_it_waits(&self) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(async {
            let patience = Duration::from_secs(20);
            timeout(patience, self.script.waits.notified())
                .await
                .unwrap();
        });
    }

    /// What was asked, one call each.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.script.heard.lock().unwrap().clone()
    }

    /// The last call.
    #[track_caller]
    pub(crate) fn last(&self) -> String {
        self.heard().pop().expect("a call")
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
