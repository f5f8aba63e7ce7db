//! The control socket: gRPC `valetkey.developer.v1` and `valetkey.admin.v1`, for the owner's own
//! processes. What an admin may do is decided by the identity provider, not by who opened the socket.

mod admin;
mod approvals;
mod audit;
mod developer;
mod locks;
mod login;
mod policies;
mod question;
mod room;
mod sessions;
mod view;
mod watch;

use std::{io, path::PathBuf, sync::Arc};

use http::{Request, Response, Version};
use hyper::body::Incoming;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, body::Body, codegen::Service as _, service::Routes};
use valetkey_codes::Code;
use valetkey_core::{Broker, Refusal};
use valetkey_wire::{
    admin::admin_server::AdminServer, developer::developer_server::DeveloperServer,
};

use self::{admin::AdminService, developer::DeveloperService};
use crate::{
    Limits,
    serve::{self, ACCEPT_REST, Answers, Ending, Seldom},
    side,
    status::{self, Form, Reference},
};

/// Paths of the two services.
const DEVELOPER: &str = "/valetkey.developer.v1.Developer/";
const ADMIN: &str = "/valetkey.admin.v1.Admin/";

/// What the broker says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The issuer of its own tokens.
    pub token_issuer: String,
    /// Where the sockets of sessions are, as [`SessionDoors`](crate::SessionDoors) was told.
    pub runtime: PathBuf,
    /// The admin's requirements, one line each, as they were read at the start; empty where there are
    /// none.
    pub requirements: Vec<String>,
}

/// The broker and what it says of itself, for the services of this door.
pub(crate) struct Office {
    pub broker: Broker,
    pub about: About,
    pub ending: Ending,
}

impl Office {
    /// The refusal as a gRPC status, with an id of its own for the log.
    pub(crate) fn refuse(&self, refusal: &Refusal) -> Status {
        status::grpc(refusal, self.reference())
    }

    fn reference(&self) -> Reference {
        Reference {
            request: self.broker.request_id(),
            session: None,
        }
    }
}

/// Serves the control socket until `shutdown`; then requests that run get [`Limits::drain`] to
/// finish. Peers of another user are closed before a byte of theirs is read.
///
/// `listener` is bound, in a folder that only the owner can enter. Fails only where the services
/// cannot be put together.
pub async fn serve_control(
    listener: UnixListener,
    broker: Broker,
    about: About,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let ending = Ending::of(&stopping);
    let office = Arc::new(Office {
        broker,
        about,
        ending,
    });
    let calls = ControlCalls::new(Arc::clone(&office), &limits).await?;
    let connections = Arc::new(TaskTracker::new());
    tokio::select! {
        biased;
        () = shutdown => {}
        () = accept(&listener, &office, &calls, &limits, &connections) => {}
    }
    drop(listener);
    stopping.cancel();
    let (farewell, drain) = (limits.farewell, limits.drain);
    office.ending.see_out(&connections, farewell, drain).await;
    Ok(())
}

async fn accept(
    listener: &UnixListener,
    office: &Arc<Office>,
    calls: &ControlCalls,
    limits: &Limits,
    connections: &TaskTracker,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let foreigners = Seldom::default();
    loop {
        // The semaphore is never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to the control socket was not accepted");
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        if !admitted(&stream, &office.broker, &foreigners) {
            continue;
        }
        let (calls, limits, office) = (calls.clone(), limits.clone(), Arc::clone(office));
        connections.spawn(async move {
            serve::serve(stream, calls, &limits, &office.ending).await;
            drop(place);
        });
    }
}

fn admitted(stream: &UnixStream, broker: &Broker, foreigners: &Seldom) -> bool {
    let admitted = serve::admit(stream, &*broker.ports.callers, broker.settings.owner);
    if let Err(foreign) = &admitted
        && let Some(since) = foreigners.happened(broker.ports.clock.now())
    {
        tracing::warn!(
            since,
            "a peer was turned away from the control socket: {foreign}"
        );
    }
    admitted.is_ok()
}

#[derive(Clone)]
struct ControlCalls {
    office: Arc<Office>,
    developer: DeveloperServer<DeveloperService>,
    admin: AdminServer<AdminService>,
    side: Routes,
}

impl ControlCalls {
    async fn new(office: Arc<Office>, limits: &Limits) -> io::Result<Self> {
        let developer = DeveloperServer::new(DeveloperService::new(Arc::clone(&office)));
        let admin = AdminServer::new(AdminService::new(Arc::clone(&office)));
        Ok(Self {
            office,
            developer: developer.max_decoding_message_size(limits.body),
            admin: admin.max_decoding_message_size(limits.body),
            side: side::services(&["valetkey.developer.v1", "valetkey.admin.v1"]).await?,
        })
    }
}

impl Answers for ControlCalls {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let form = Form::of(&request);
        if form != Form::Grpc || request.version() != Version::HTTP_2 {
            let refusal = Refusal::new(Code::InvalidRequest).saying("this door speaks gRPC only");
            return form.refuse(&refusal, self.reference());
        }
        let path = request.uri().path();
        let answered = if path.starts_with(DEVELOPER) {
            self.developer.clone().call(request).await
        } else if path.starts_with(ADMIN) {
            self.admin.clone().call(request).await
        } else {
            self.side.clone().call(request).await
        };
        match answered {
            Ok(response) => status::dress(response, || self.reference()),
            Err(never) => match never {},
        }
    }

    fn reference(&self) -> Reference {
        self.office.reference()
    }
}
