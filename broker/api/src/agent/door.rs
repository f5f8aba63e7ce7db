//! One session's door: its socket, whoever is connected, and how it ends.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tonic::service::Routes;
use valetkey_codes::Code;
use valetkey_core::{
    Broker, Caller, Refusal, SessionId, flow,
    ports::Cut,
    request::{Ask, Received},
};

use super::{call::AgentCalls, desk::Desk, pace::Bucket, socket};
use crate::{
    Limits,
    serve::{self, ACCEPT_REST, Ending, Foreign, Seldom},
};

/// What all doors of a broker share.
pub(super) struct House {
    pub broker: Arc<Broker>,
    pub runtime: PathBuf,
    pub limits: Limits,
    /// Health and reflection.
    pub side: Routes,
}

/// One session's door.
pub(super) struct Door {
    pub house: Arc<House>,
    pub session: SessionId,
    pub ending: Ending,
    /// Told after every change of the session that does not close the door.
    pub changes: watch::Sender<()>,
    pub bucket: Option<Bucket>,
    /// A place for each request that waits for an approval.
    pub waiting: Semaphore,
    open: AtomicU64,
    foreigners: Seldom,
    gone: CancellationToken,
    left: CancellationToken,
}

impl Door {
    /// Makes the socket and serves it.
    pub(super) fn open(
        house: Arc<House>,
        session: SessionId,
        stopping: &CancellationToken,
    ) -> std::io::Result<Arc<Self>> {
        let owner = house.broker.settings.owner;
        let listener = socket::bind(&house.runtime, session, owner)?;
        let door = Arc::new(Self {
            session,
            ending: Ending::of(stopping),
            changes: watch::Sender::new(()),
            bucket: house.limits.pace.map(Bucket::new),
            waiting: Semaphore::new(house.limits.waiting),
            open: AtomicU64::new(0),
            foreigners: Seldom::default(),
            gone: CancellationToken::new(),
            left: CancellationToken::new(),
            house,
        });
        tokio::spawn(Arc::clone(&door).attend(listener));
        Ok(door)
    }

    /// Begins to close it and tells what that cuts; [`Self::gone`] says when it is done.
    pub(super) fn close(&self) -> Cut {
        let connections = if self.ending.closing.is_cancelled() {
            0
        } else {
            self.open.load(Ordering::Relaxed)
        };
        self.ending.closing.cancel();
        Cut { connections }
    }

    /// Ready when nothing that was begun before the door closed, or the broker stopped, runs any more.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Ready when its socket is gone too, and nothing of it runs.
    pub(super) async fn left(&self) {
        self.left.cancelled().await;
    }

    /// Whether [`Self::left`] is ready.
    pub(super) fn has_left(&self) -> bool {
        self.left.is_cancelled()
    }

    async fn attend(self: Arc<Self>, listener: UnixListener) {
        // Both are said even if this task is torn down with the runtime.
        let _left: DropGuard = self.left.clone().drop_guard();
        let gone: DropGuard = self.gone.clone().drop_guard();
        self.serve_until_it_ends(&listener, &self.ending).await;
        drop(gone);
        let over = self.ending.closing.is_cancelled();
        if over {
            self.answer_latecomers(&listener).await;
        }
        // A broker that stops leaves the folder: a sandbox may hold it, and the next run opens the
        // same door in it.
        if let Err(error) = socket::remove(&self.house.runtime, self.session, over) {
            tracing::warn!(session = %self.session, %error, "the session's socket was not removed");
        }
    }

    async fn serve_until_it_ends(self: &Arc<Self>, listener: &UnixListener, ending: &Ending) {
        let connections = Arc::new(TaskTracker::new());
        self.accept(listener, &connections, ending).await;
        let limits = &self.house.limits;
        ending
            .see_out(&connections, limits.farewell, limits.drain)
            .await;
    }

    /// The session is over and everything of it is cut. Whoever comes now is told so by the ordinary
    /// way of a request, which refuses it, for as long as an agent may need to hear it.
    async fn answer_latecomers(self: &Arc<Self>, listener: &UnixListener) {
        let ending = Ending::of(&self.ending.stopping);
        let over = async {
            tokio::time::sleep(self.house.limits.linger).await;
            ending.closing.cancel();
        };
        tokio::pin!(over);
        let serving = self.serve_until_it_ends(listener, &ending);
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => return,
            () = &mut over => {}
        }
        serving.await;
    }

    async fn accept(
        self: &Arc<Self>,
        listener: &UnixListener,
        connections: &TaskTracker,
        ending: &Ending,
    ) {
        let places = Arc::new(Semaphore::new(self.house.limits.connections));
        loop {
            let next = async {
                // The semaphore is never closed.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                () = ending.beginning() => return,
                next = next => next,
            };
            match accepted {
                Ok((stream, _)) => {
                    if let Some(caller) = self.admit(&stream) {
                        let connection =
                            Arc::clone(self).serve(stream, caller, place, ending.clone());
                        connections.spawn(connection);
                    }
                }
                Err(error) => {
                    tracing::warn!(session = %self.session, %error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    async fn serve(
        self: Arc<Self>,
        stream: UnixStream,
        caller: Caller,
        _place: Option<OwnedSemaphorePermit>,
        ending: Ending,
    ) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let desk = Desk::new(Arc::clone(&self), Arc::new(caller));
        let answers = AgentCalls::new(desk);
        serve::serve(stream, answers, &self.house.limits, &ending).await;
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn admit(self: &Arc<Self>, stream: &UnixStream) -> Option<Caller> {
        let broker = &self.house.broker;
        match serve::admit(stream, &*broker.ports.callers, broker.settings.owner) {
            Ok(caller) => Some(caller),
            Err(foreign) => {
                self.turned_away(foreign);
                None
            }
        }
    }

    fn turned_away(self: &Arc<Self>, foreign: Foreign) {
        let broker = &self.house.broker;
        let Some(since) = self.foreigners.happened(broker.ports.clock.now()) else {
            return;
        };
        tracing::warn!(session = %self.session, since, "a peer was turned away: {foreign}");
        if let Foreign::Uid(caller) = foreign {
            let refusal = Refusal::new(Code::CallerRefused).because("a process of another user");
            let id = broker.request_id();
            let received = Received::new(id, self.session, Arc::new(caller), Ask::default());
            let broker = Arc::clone(broker);
            // Nobody waits for it, and accepting does not wait for the disk.
            tokio::spawn(async move { flow::turn_away(&broker, &received, &refusal).await });
        }
    }
}
