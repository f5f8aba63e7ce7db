//! The agent's side: one session, reached through its own socket.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinSet;
use tonic::{Request, Response, Status, transport::Channel};
use valetkey_wire::agent::{
    GetSessionRequest, Grant, ListGrantsRequest, MayReachRequest, PrepareCommandRequest,
    PrepareCommandResponse, Session, WatchSessionRequest, WatchSessionResponse,
    WithdrawApprovalRequest, agent_client::AgentClient,
};

use crate::{
    Code, Error, Events, Token, TokenRequest,
    cache::Cache,
    channel, clock,
    deadline::{self, within},
    socket,
};

/// A session, as the agent in it sees it.
///
/// One connection carries any number of calls at the same time, and is made again by itself after
/// the broker was restarted. Share it by reference or in an `Arc`.
pub struct Agent {
    client: AgentClient<Channel>,
    deadline: Duration,
    cache: Arc<Cache>,
    watcher: Mutex<Watcher>,
}

impl Agent {
    /// Opens the socket that `VALETKEY_SOCKET` names, within [`deadline::CONNECT`].
    ///
    /// Needs a tokio runtime with I/O and time.
    pub async fn from_env() -> Result<Self, Error> {
        Self::connect(socket::session()?).await
    }

    /// Opens the session's socket at `path`, within [`deadline::CONNECT`].
    ///
    /// Needs a tokio runtime with I/O and time.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, Error> {
        let channel = channel::open(path.as_ref(), |_| Ok(())).await?;
        Ok(Self {
            client: AgentClient::new(channel),
            deadline: deadline::AGENT,
            cache: Arc::new(Cache::new(Box::new(clock::since_boot))),
            watcher: Mutex::default(),
        })
    }

    /// The same with another deadline than [`deadline::AGENT`] for each call.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// A token that is kept from before and has enough of its life left, or a new one.
    ///
    /// Callers that ask for the same credential, scopes, audience and lifetime at the same time
    /// share one request to the broker and its outcome. A request that fails drops the token that
    /// it was to replace; the end, suspension or revocation of the session drops all of them, also
    /// while nobody asks.
    ///
    /// Where an approval is needed and [`TokenRequest::wait`] says so, waits for it; a token that came
    /// that way does for requests that do not wait as well. [`Code::ApprovalPending`] is not kept: the
    /// next caller asks again.
    ///
    /// Cancel safe; another caller that waits goes on with the request.
    pub async fn token(&self, request: &TokenRequest) -> Result<Arc<Token>, Error> {
        let outcome = match self.fly(&request.at_once()).await {
            Err(error) if error.code == Code::ApprovalPending && request.waits_at_all() => {
                let epoch = self.cache.epoch();
                let outcome = self.fly(request).await;
                if let Ok(token) = &outcome {
                    let key = request.at_once().key();
                    self.cache.keep(key, epoch, Arc::clone(token)).await;
                }
                outcome
            }
            outcome => outcome,
        };
        if outcome.as_ref().is_err_and(|error| is_final(error.code)) {
            self.cache.clear();
        }
        outcome
    }

    async fn fly(&self, request: &TokenRequest) -> Result<Arc<Token>, Error> {
        self.cache
            .get(request.key(), request.wants(), async || {
                self.watch_over();
                self.new_token(request).await
            })
            .await
    }

    /// A new token, past the cache. For processes that ask once.
    ///
    /// Dropping it ends the wait, not the request: the broker may issue the token all the same, and a
    /// question that waits for an answer goes on to wait; [`Agent::withdraw`] takes it back.
    pub async fn new_token(&self, request: &TokenRequest) -> Result<Token, Error> {
        let mut outcome = Err(Error::plain(Code::ApprovalPending));
        for wait in request.waits() {
            outcome = self.ask(request, wait).await;
            if !matches!(&outcome, Err(error) if error.code == Code::ApprovalPending) {
                break;
            }
        }
        outcome
    }

    /// Takes back the question that a request of this session put: [`Error::approval`] names it.
    /// Everybody in the session who waits for its answer waits no longer. Cancel safe.
    pub async fn withdraw(&self, approval: &str) -> Result<(), Error> {
        let request = WithdrawApprovalRequest {
            approval: approval.to_owned(),
        };
        self.call(request, Duration::ZERO, async |mut client, wire| {
            client.withdraw_approval(wire).await
        })
        .await
        .map(|_withdrawn| ())
    }

    /// Whether the session may use the network like this; until when: seconds since the Unix epoch.
    /// `action` is `connect` or a method, `url` an origin or a URL without its query. As
    /// [`Agent::new_token`], which `wait` is as well.
    pub async fn may_reach(&self, action: &str, url: &str, wait: Duration) -> Result<u64, Error> {
        let request = MayReachRequest {
            action: action.to_owned(),
            url: url.to_owned(),
            wait_seconds: u32::try_from(wait.as_secs()).ok(),
        };
        self.call(request, wait, async |mut client, wire| {
            client.may_reach(wire).await
        })
        .await
        .map(|reply| reply.expires_at)
    }

    /// What the rule for a command gives it. As [`Agent::new_token`], which `wait` is as well.
    pub async fn prepare_command(
        &self,
        command: Vec<String>,
        wait: Duration,
    ) -> Result<PrepareCommandResponse, Error> {
        let request = PrepareCommandRequest {
            command,
            wait_seconds: u32::try_from(wait.as_secs()).ok(),
        };
        self.call(request, wait, async |mut client, wire| {
            client.prepare_command(wire).await
        })
        .await
    }

    /// What the session may ask for just now. Cancel safe.
    pub async fn grants(&self) -> Result<Vec<Grant>, Error> {
        self.call(
            ListGrantsRequest {},
            Duration::ZERO,
            async |mut client, wire| client.list_grants(wire).await,
        )
        .await
        .map(|reply| reply.grants)
    }

    /// The session behind this socket. Cancel safe.
    pub async fn session(&self) -> Result<Session, Error> {
        let reply = self
            .call(
                GetSessionRequest {},
                Duration::ZERO,
                async |mut client, wire| client.get_session(wire).await,
            )
            .await?;
        reply.session.ok_or_else(incomplete)
    }

    /// The session now and after every change, until it is over.
    pub async fn watch(&self) -> Result<SessionWatch, Error> {
        within(self.deadline, watch(self.client.clone())).await
    }

    async fn ask(&self, request: &TokenRequest, wait: Duration) -> Result<Token, Error> {
        let asked = self.cache.now();
        let reply = self
            .call(request.to_wire(wait), wait, async |mut client, wire| {
                client.get_token(wire).await
            })
            .await?;
        // A token that was waited for is younger than its request by the wait, and no more is known.
        // A token that was waited for began to live when it was given. Its answer may have lain here
        // while the machine slept, so the wall clock, which is the broker's as well, has a say.
        let given = if wait.is_zero() {
            asked
        } else {
            let lives = Duration::from_secs(reply.expires_in);
            let left = Duration::from_secs(reply.expires_at).saturating_sub(clock::since_epoch());
            let slept = lives.saturating_sub(left);
            self.cache.now().saturating_sub(slept)
        };
        Token::from_wire(reply, given)
    }

    /// `wait` is how long the broker was asked to wait before it answers.
    async fn call<Q, R>(
        &self,
        request: Q,
        wait: Duration,
        call: impl AsyncFnOnce(AgentClient<Channel>, Request<Q>) -> Result<Response<R>, Status>,
    ) -> Result<R, Error> {
        let mut request = Request::new(request);
        // The broker stops working on what nobody waits for any more.
        let limit = self.deadline.saturating_add(wait);
        request.set_timeout(limit);
        within(limit, async {
            Ok(call(self.client.clone(), request).await?.into_inner())
        })
        .await
    }

    /// Sees to it that kept tokens are dropped when the session ends while nobody asks.
    fn watch_over(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.cache.epoch();
        if watcher.epoch != Some(epoch) {
            let mut task = JoinSet::new();
            task.spawn(drop_with_session(
                self.client.clone(),
                Arc::clone(&self.cache),
            ));
            *watcher = Watcher {
                epoch: Some(epoch),
                _task: task,
            };
        }
    }
}

/// The task that waits for the session's end. It ends with the agent, and by dropping all tokens,
/// so it is at work as long as the cache is in the epoch that it was started in.
#[derive(Default)]
struct Watcher {
    epoch: Option<u64>,
    _task: JoinSet<()>,
}

/// The changes of a session; see [`Agent::watch`].
pub struct SessionWatch(Events<WatchSessionResponse>);

impl SessionWatch {
    /// The next state of the session; nothing when it is over. Waits as long as nothing changes.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Session>, Error> {
        match self.0.next().await? {
            Some(change) => change.session.map(Some).ok_or_else(incomplete),
            None => Ok(None),
        }
    }
}

async fn watch(mut client: AgentClient<Channel>) -> Result<SessionWatch, Error> {
    let stream = client.watch_session(WatchSessionRequest {}).await?;
    Ok(SessionWatch(Events::new(stream.into_inner(), None)))
}

/// Without the stream nobody would tell of a revocation, so its end drops the tokens as well.
async fn drop_with_session(client: AgentClient<Channel>, cache: Arc<Cache>) {
    if let Ok(mut changes) = watch(client).await {
        while let Ok(Some(session)) = changes.next().await {
            if session.state != "active" {
                break;
            }
        }
    }
    cache.clear();
}

/// Whether the whole session is affected, not this request alone.
const fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::CallerRefused
            | Code::SessionEnded
            | Code::SessionExpired
            | Code::SessionRevoked
            | Code::SessionSuspended
            | Code::NotLoggedIn
            | Code::LoginExpired
            | Code::BrokerUnreachable
    )
}

fn incomplete() -> Error {
    Error::new(Code::Internal, "the broker's answer names no session")
}
