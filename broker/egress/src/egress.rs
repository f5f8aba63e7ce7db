//! The proxies of all sessions.

use std::{
    collections::HashMap,
    future::ready,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::{
    Deadline, Refusal, SessionId,
    ports::{Answer, Callers, Cut},
};
use valetkey_inject::Placeholders;

use crate::{
    Entry, Gate, Limits, Resolve, UpstreamError,
    forward::Lent,
    intake,
    room::{Room, TicketError, Tickets},
    upstream::{Trust, Way},
};

/// What the proxies are made with.
pub struct Options {
    /// Whoever decides.
    pub gate: Arc<dyn Gate>,
    /// Who is told that a sandbox is ready.
    pub entry: Arc<dyn Entry>,
    /// Who is at the other end of the intake.
    pub callers: Arc<dyn Callers>,
    /// The broker's own user, and the launcher's.
    pub owner: u32,
    /// The folder of the intake; exists and is the owner's alone.
    pub runtime: PathBuf,
    /// The bounds of each session's proxy.
    pub limits: Limits,
    /// A PEM file with certificates to trust beside the system's.
    pub extra_ca: Option<PathBuf>,
    /// Asks for addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Seals what launchers keep; without, no room outlives the broker.
    pub tickets: Option<Tickets>,
}

/// What the launcher needs of a session's proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomDescription {
    /// The certificate that the sandbox is to trust, in PEM.
    pub ca_pem: String,
}

/// The proxies of all sessions. They decide nothing: [`Gate`] does.
pub struct Egress {
    house: Arc<House>,
    rooms: Mutex<HashMap<SessionId, Arc<Room>>>,
    stopping: CancellationToken,
}

/// What all rooms share.
pub(crate) struct House {
    pub gate: Arc<dyn Gate>,
    pub entry: Arc<dyn Entry>,
    pub callers: Arc<dyn Callers>,
    pub owner: u32,
    pub runtime: PathBuf,
    pub limits: Limits,
    /// In whichever session: one could ask for what was sent by another.
    pub lent: Arc<Lent>,
    trust: Trust,
    tickets: Option<Tickets>,
    resolver: Arc<dyn Resolve>,
}

impl House {
    /// How origins are reached, by whoever has so many lookups of names.
    pub(crate) fn way<'a>(&'a self, lookups: &'a Arc<Semaphore>) -> Way<'a> {
        Way {
            gate: &self.gate,
            resolver: &*self.resolver,
            trust: &self.trust,
            limits: &self.limits,
            lookups,
        }
    }
}

impl Egress {
    /// Reads the certificates to trust.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub fn new(options: Options) -> Result<Self, UpstreamError> {
        let trust = Trust::new(options.extra_ca.as_deref())?;
        Ok(Self {
            house: Arc::new(House {
                gate: options.gate,
                entry: options.entry,
                callers: options.callers,
                owner: options.owner,
                runtime: options.runtime,
                limits: options.limits,
                lent: Arc::default(),
                trust,
                tickets: options.tickets,
                resolver: options.resolver,
            }),
            rooms: Mutex::default(),
            stopping: CancellationToken::new(),
        })
    }

    /// Makes the session's room, with an authority of its own, valid until `ends` or for 30 days.
    /// A room that is there is closed and replaced.
    ///
    /// # Errors
    /// Where no certificate can be made, or the broker is stopping.
    pub fn prepare(
        &self,
        session: SessionId,
        placeholders: Placeholders,
        ends: Option<Deadline>,
    ) -> io::Result<RoomDescription> {
        if self.stopping.is_cancelled() {
            return Err(io::Error::other("the broker is stopping"));
        }
        let house = Arc::clone(&self.house);
        let room = Room::new(house, session, placeholders, ends).map_err(io::Error::other)?;
        let room = Arc::new(room);
        let before = self.locked().insert(session, Arc::clone(&room));
        if let Some(before) = before {
            drop(before.close());
        }
        Ok(RoomDescription {
            ca_pem: room.authority.pem().to_owned() + self.house.trust.extra_pem(),
        })
    }

    /// What the session's launcher is to keep: with it the room is [there again](Self::again) after the broker
    /// was started anew. `None` where there is no room, or it cannot be sealed.
    pub async fn ticket(&self, session: SessionId) -> Option<String> {
        let (room, tickets) = (self.room(session)?, self.house.tickets.as_ref()?);
        let sealed = tickets.seal(session, &room.keepsake()).await;
        sealed
            .inspect_err(
                |error| tracing::warn!(%session, %error, "the room will not outlive this run"),
            )
            .ok()
    }

    /// The room that the ticket was made for, by an earlier run of the broker. A room that is there stays.
    ///
    /// # Errors
    /// Where the ticket is not of this session, or the keyring cannot be used.
    pub(crate) async fn again(
        &self,
        session: SessionId,
        ticket: &str,
    ) -> Result<Arc<Room>, Refusal> {
        let tickets = self.house.tickets.as_ref().ok_or(Code::UnknownSession)?;
        let refused = |error: TicketError| match &error {
            TicketError::Keyring(keyring) => Refusal::new(keyring.code()),
            TicketError::Unreadable => Refusal::new(Code::CallerRefused).because(error.to_string()),
        };
        let kept = tickets.open(session, ticket).await.map_err(refused)?;
        let room = Room::again(Arc::clone(&self.house), session, kept).map_err(refused)?;
        let mut rooms = self.locked();
        Ok(Arc::clone(rooms.entry(session).or_insert(Arc::new(room))))
    }

    /// Cuts every connection of the session and keeps its listener: from now on its requests are asked
    /// about anew. Begins with the call; when the future is ready nothing that was begun before runs.
    pub fn changed(&self, session: SessionId) -> Answer<'_, Cut> {
        match self.room(session) {
            Some(room) => Box::pin(room.turn()),
            None => Box::pin(ready(Cut::default())),
        }
    }

    /// Closes the session's room for good. Begins with the call, so several close side by side; when the
    /// future is ready every tunnel, request, upload, download, WebSocket and stream of the session has
    /// ended on both legs. Idempotent.
    pub fn close(&self, session: SessionId) -> Answer<'_, Cut> {
        let room = self.locked().remove(&session);
        match room {
            Some(room) => Box::pin(room.close()),
            None => Box::pin(ready(Cut::default())),
        }
    }

    /// Takes listeners in at `<runtime>/room.sock` until `stop` says so.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub async fn serve_intake(self: &Arc<Self>, stop: CancellationToken) -> io::Result<()> {
        intake::serve(self, &stop).await
    }

    /// Closes every room because the broker stops. The sessions live on; their launchers see their rooms
    /// go.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let rooms: Vec<_> = self.locked().drain().map(|(_, room)| room).collect();
        let closing: Vec<_> = rooms.iter().map(Room::close).collect();
        futures_util::future::join_all(closing).await;
    }

    /// Whether the broker stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    pub(crate) fn house(&self) -> &Arc<House> {
        &self.house
    }

    pub(crate) fn room(&self, session: SessionId) -> Option<Arc<Room>> {
        self.locked().get(&session).cloned()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
