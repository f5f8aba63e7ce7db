//! A broker's agent door with scripted answers, on a socket of its own.

use std::{
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::UnixListener,
    runtime::{self, Runtime},
    sync::{Notify, watch},
};
use tokio_stream::{Stream, StreamExt as _, wrappers::UnixListenerStream, wrappers::WatchStream};
use tonic::{Request, Response, Status, transport::Server};
use valetkey_sdk::wire::agent::{
    GetSessionRequest, GetSessionResponse, GetTokenRequest, GetTokenResponse, Grant,
    ListGrantsRequest, ListGrantsResponse, MayReachRequest, MayReachResponse,
    PrepareCommandRequest, PrepareCommandResponse, Session, WatchSessionRequest,
    WatchSessionResponse, WithdrawApprovalRequest, WithdrawApprovalResponse,
    agent_server::{Agent, AgentServer},
};

/// What the door answers to a token request.
pub(crate) type Answer =
    dyn Fn(GetTokenRequest, u64) -> Result<GetTokenResponse, Status> + Send + Sync;

/// Which token requests are held back until `open` is notified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    None,
    Waiting,
    All,
}

/// One door and what it has seen.
pub(crate) struct Stub {
    pub(crate) path: PathBuf,
    pub(crate) asked: Arc<AtomicU64>,
    /// How many token requests had a `grpc-timeout`.
    pub(crate) deadline_told: Arc<AtomicU64>,
    pub(crate) state: watch::Sender<&'static str>,
    pub(crate) open: Arc<Notify>,
    /// Notified when a request is held back.
    pub(crate) waiting: Arc<Notify>,
    /// The questions that were taken back.
    pub(crate) withdrawn: Arc<Mutex<Vec<String>>>,
    /// One of its own, so that dropping it cuts the connections as the end of a process would.
    runtime: Option<Runtime>,
    directory: Option<TempDir>,
}

impl Stub {
    /// Answers at once.
    pub(crate) fn start(
        answer: impl Fn(GetTokenRequest, u64) -> Result<GetTokenResponse, Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Arc::new(answer), Held::None)
    }

    /// Answers a token request that waits for an approval only after `open` was notified.
    pub(crate) fn start_waiting(
        answer: impl Fn(GetTokenRequest, u64) -> Result<GetTokenResponse, Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::start_in(
            tempfile::tempdir().unwrap(),
            Arc::new(answer),
            Held::Waiting,
        )
    }

    /// Answers a token request only after `open` was notified.
    pub(crate) fn start_held(
        answer: impl Fn(GetTokenRequest, u64) -> Result<GetTokenResponse, Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Arc::new(answer), Held::All)
    }

    fn start_in(directory: TempDir, answer: Arc<Answer>, held: Held) -> Self {
        let mut stub = Self::start_at(directory.path().join("session.sock"), answer, held);
        stub.directory = Some(directory);
        stub
    }

    pub(crate) fn start_at(path: PathBuf, answer: Arc<Answer>, held: Held) -> Self {
        let asked = Arc::new(AtomicU64::new(0));
        let deadline_told = Arc::new(AtomicU64::new(0));
        let (state, states) = watch::channel("active");
        let open = Arc::new(Notify::new());
        let waiting = Arc::new(Notify::new());
        let withdrawn = Arc::default();
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let guard = runtime.enter();
        let listener = UnixListener::bind(&path).unwrap();
        drop(guard);
        let door = Door {
            answer,
            asked: Arc::clone(&asked),
            deadline_told: Arc::clone(&deadline_told),
            states,
            open: Arc::clone(&open),
            waiting: Arc::clone(&waiting),
            withdrawn: Arc::clone(&withdrawn),
            held,
        };
        runtime.spawn(async move {
            Server::builder()
                .add_service(AgentServer::new(door))
                .serve_with_incoming(UnixListenerStream::new(listener))
                .await
                .unwrap();
        });
        Self {
            path,
            asked,
            deadline_told,
            state,
            open,
            waiting,
            withdrawn,
            runtime: Some(runtime),
            directory: None,
        }
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Door {
    answer: Arc<Answer>,
    asked: Arc<AtomicU64>,
    deadline_told: Arc<AtomicU64>,
    states: watch::Receiver<&'static str>,
    open: Arc<Notify>,
    waiting: Arc<Notify>,
    withdrawn: Arc<Mutex<Vec<String>>>,
    held: Held,
}

#[tonic::async_trait]
impl Agent for Door {
    async fn get_token(
        &self,
        request: Request<GetTokenRequest>,
    ) -> Result<Response<GetTokenResponse>, Status> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if request.metadata().contains_key("grpc-timeout") {
            self.deadline_told.fetch_add(1, Ordering::SeqCst);
        }
        let request = request.into_inner();
        let waits = request.wait_seconds.is_some();
        if self.held == Held::All || (self.held == Held::Waiting && waits) {
            self.waiting.notify_one();
            self.open.notified().await;
        }
        (self.answer)(request, number).map(Response::new)
    }

    async fn may_reach(
        &self,
        _: Request<MayReachRequest>,
    ) -> Result<Response<MayReachResponse>, Status> {
        Err(Status::unimplemented("nobody asks here"))
    }

    async fn prepare_command(
        &self,
        _: Request<PrepareCommandRequest>,
    ) -> Result<Response<PrepareCommandResponse>, Status> {
        Err(Status::unimplemented("nobody asks here"))
    }

    async fn withdraw_approval(
        &self,
        request: Request<WithdrawApprovalRequest>,
    ) -> Result<Response<WithdrawApprovalResponse>, Status> {
        let approval = request.into_inner().approval;
        self.withdrawn.lock().unwrap().push(approval);
        Ok(Response::new(WithdrawApprovalResponse {}))
    }

    async fn get_session(
        &self,
        _request: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let session = Some(session(*self.states.borrow()));
        Ok(Response::new(GetSessionResponse { session }))
    }

    async fn list_grants(
        &self,
        _request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let grants = vec![Grant {
            credential: "deploy".to_owned(),
            scopes: vec!["deploy:read".to_owned()],
            audiences: vec!["https://api.test".to_owned()],
            max_lifetime_seconds: 600,
            reviewed_scopes: vec!["deploy:write".to_owned()],
            approved_scopes: vec!["deploy:delete".to_owned()],
            injected: false,
        }];
        Ok(Response::new(ListGrantsResponse { grants }))
    }

    type WatchSessionStream =
        Pin<Box<dyn Stream<Item = Result<WatchSessionResponse, Status>> + Send>>;

    async fn watch_session(
        &self,
        _request: Request<WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        let changes = WatchStream::new(self.states.clone()).map(|state| {
            Ok(WatchSessionResponse {
                session: Some(session(state)),
            })
        });
        Ok(Response::new(Box::pin(changes)))
    }
}

fn session(state: &str) -> Session {
    Session {
        id: "s-1".to_owned(),
        agent: "coder".to_owned(),
        state: state.to_owned(),
        expires_at: 2_000_000_000,
        profile: None,
    }
}

/// A token that lives this many seconds.
pub(crate) fn token(number: u64, lives: u64) -> GetTokenResponse {
    GetTokenResponse {
        access_token: format!("token-{number}"),
        token_type: "Bearer".to_owned(),
        expires_in: lives,
        expires_at: 2_000_000_000,
        scopes: vec!["deploy:read".to_owned()],
        audience: "https://api.test".to_owned(),
        lease_id: format!("lease-{number}"),
    }
}

/// Long enough for anything that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
