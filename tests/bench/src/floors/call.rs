//! An empty gRPC call over a Unix socket between two processes: tonic on both sides, nothing said.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::{Path, PathBuf},
    pin::Pin,
    process::{Child, Command, Stdio},
};

use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    runtime::Builder,
};
use tokio_stream::{Stream, wrappers::UnixListenerStream};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, Uri},
};
use tower::service_fn;
use valetkey_sdk::wire::agent::{
    GetSessionRequest, GetSessionResponse, GetTokenRequest, GetTokenResponse, ListGrantsRequest,
    ListGrantsResponse, MayReachRequest, MayReachResponse, PrepareCommandRequest,
    PrepareCommandResponse, WatchSessionRequest, WatchSessionResponse, WithdrawApprovalRequest,
    WithdrawApprovalResponse,
    agent_client::AgentClient,
    agent_server::{Agent, AgentServer},
};

use crate::Measured;

/// As many as the broker has.
const THREADS: usize = 2;

/// A server process; killed when dropped.
pub(crate) struct EmptyServer {
    child: Child,
    socket: PathBuf,
}

impl EmptyServer {
    /// Starts it with its socket in `folder`.
    pub(crate) fn start(folder: &Path) -> Measured<Self> {
        let socket = folder.join("empty.sock");
        let child = Command::new(env::current_exe()?)
            .arg("serve-empty-calls")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self { child, socket };
        let stdout = server
            .child
            .stdout
            .take()
            .ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line == "ready\n" {
            Ok(server)
        } else {
            Err("the server of empty calls does not start".into())
        }
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Measured<EmptyCalls> {
        let socket = self.socket.clone();
        let connector = service_fn(move |_: Uri| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://floor");
        let channel = endpoint.connect_with_connector(connector).await?;
        Ok(EmptyCalls(AgentClient::new(channel)))
    }
}

impl Drop for EmptyServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A client of it.
pub(crate) struct EmptyCalls(AgentClient<Channel>);

impl EmptyCalls {
    /// One call.
    pub(crate) async fn call(&self) -> Measured<()> {
        self.0.clone().get_session(GetSessionRequest {}).await?;
        Ok(())
    }
}

/// The server's process: says `ready` and answers until it is killed.
pub(crate) fn serve(socket: &str) -> Measured<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = UnixListenerStream::new(UnixListener::bind(socket)?);
        stdout().write_all(b"ready\n")?;
        stdout().flush()?;
        let server = Server::builder().add_service(AgentServer::new(Empty));
        Ok(server.serve_with_incoming(listener).await?)
    })
}

/// Answers one method with an empty message.
struct Empty;

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Agent for Empty {
    type WatchSessionStream =
        Pin<Box<dyn Stream<Item = Result<WatchSessionResponse, Status>> + Send>>;

    async fn get_session(&self, _: Request<GetSessionRequest>) -> Reply<GetSessionResponse> {
        Ok(Response::new(GetSessionResponse::default()))
    }

    async fn get_token(&self, _: Request<GetTokenRequest>) -> Reply<GetTokenResponse> {
        Err(Status::unimplemented("a floor has no tokens"))
    }

    async fn may_reach(&self, _: Request<MayReachRequest>) -> Reply<MayReachResponse> {
        Err(Status::unimplemented("a floor has no network"))
    }

    async fn prepare_command(
        &self,
        _: Request<PrepareCommandRequest>,
    ) -> Reply<PrepareCommandResponse> {
        Err(Status::unimplemented("a floor has no commands"))
    }

    async fn withdraw_approval(
        &self,
        _: Request<WithdrawApprovalRequest>,
    ) -> Reply<WithdrawApprovalResponse> {
        Err(Status::unimplemented("a floor has no approvals"))
    }

    async fn list_grants(&self, _: Request<ListGrantsRequest>) -> Reply<ListGrantsResponse> {
        Err(Status::unimplemented("a floor has no grants"))
    }

    async fn watch_session(
        &self,
        _: Request<WatchSessionRequest>,
    ) -> Reply<Self::WatchSessionStream> {
        Err(Status::unimplemented("a floor has no sessions"))
    }
}
