//! A proxy with one room, entered as a launcher does.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd as _, BorrowedFd},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::UnixStream,
    sync::OwnedSemaphorePermit,
};
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::{CredentialName, Refusal, SessionId, ports::Answer};
use valetkey_egress::{Egress, Entry, Limits, Options, Resolve, Tickets};
use valetkey_inject::Placeholders;
use valetkey_support::{
    CountingEntropy,
    fakes::{callers::FakeCallers, secret_store::FakeSecretStore},
};

use crate::{gate::FakeGate, origin};

pub(crate) const PLACEHOLDER: &str = "vk-placeholder-0123456789";
pub(crate) const OTHER_PLACEHOLDER: &str = "vk-placeholder-9876543210";

/// Answers with what it is told, in turn.
#[derive(Default)]
pub(crate) struct Names(
    pub(crate) Mutex<VecDeque<Vec<SocketAddr>>>,
    /// Or does not answer at all.
    pub(crate) AtomicBool,
);

impl Resolve for Names {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        _: u16,
        place: OwnedSemaphorePermit,
    ) -> Answer<'a, io::Result<Vec<SocketAddr>>> {
        if self.1.load(Ordering::Relaxed) {
            // As getaddrinfo does without an answer, whoever has gone meanwhile.
            std::mem::forget(place);
            return Box::pin(std::future::pending());
        }
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// Lets everybody in, but for a sandbox of this number.
pub(crate) const STRANGER: i32 = 13;

#[derive(Default)]
pub(crate) struct Porch(pub(crate) Mutex<Vec<(SessionId, i32)>>);

impl Entry for Porch {
    fn enter<'a>(&'a self, session: SessionId, pid: i32) -> Answer<'a, Result<(), Refusal>> {
        self.0.lock().unwrap().push((session, pid));
        Box::pin(async move {
            match pid {
                STRANGER => Err(Code::CallerRefused.into()),
                _ => Ok(()),
            }
        })
    }

    fn left(&self, _session: SessionId) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn over(&self, _: SessionId) -> Answer<'_, Code> {
        Box::pin(async { Code::SessionRevoked })
    }
}

pub(crate) struct House {
    pub(crate) egress: Arc<Egress>,
    pub(crate) gate: Arc<FakeGate>,
    pub(crate) porch: Arc<Porch>,
    pub(crate) names: Arc<Names>,
    pub(crate) session: SessionId,
    pub(crate) ca_pem: String,
    /// Where the sandbox's clients connect to.
    pub(crate) door: SocketAddr,
    pub(crate) launcher: BufReader<UnixStream>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) stop: CancellationToken,
    pub(crate) keyring: Arc<FakeSecretStore>,
    /// What the launcher keeps of what it handed in.
    pub(crate) listener: TcpListener,
}

/// What a launcher says.
pub(crate) fn words(session: SessionId, ticket: Option<&str>) -> String {
    let ticket = ticket.map_or_else(String::new, |ticket| format!(",\"ticket\":\"{ticket}\""));
    format!("{{\"session\":\"{session}\",\"sandbox\":4242{ticket}}}\n")
}

pub(crate) fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(limits()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gate, porch, names) = <(Arc<FakeGate>, Arc<Porch>, Arc<Names>)>::default();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, origin::authority().pem()).unwrap();
        let keyring = Arc::default();
        let (egress, stop) = run(&folder, &gate, &porch, &names, &keyring, limits);
        let session = SessionId::parse("0198c0de00007000800000000000000f").unwrap();
        let placeholders = [("key", PLACEHOLDER), ("other", OTHER_PLACEHOLDER)]
            .map(|(name, text)| (CredentialName::parse(name).unwrap(), text.to_owned()));
        let placeholders = Placeholders::new(placeholders).unwrap();
        let room = egress.prepare(session, placeholders, None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let launcher = hand_in(&folder, &words(session, None), &[listener.as_fd()]).await;
        let mut launcher = BufReader::new(launcher);
        assert_eq!(line(&mut launcher).await, "{\"ok\":true}\n");
        Self {
            egress,
            gate,
            porch,
            names,
            session,
            ca_pem: room.ca_pem,
            door,
            launcher,
            folder,
            stop,
            keyring,
            listener,
        }
    }

    /// The broker stops in good order and is started anew.
    pub(crate) async fn start_anew(&mut self) {
        self.egress.stop().await;
        self.stop.cancel();
        std::fs::remove_file(self.folder.path().join("room.sock")).unwrap();
        (self.egress, self.stop) = run(
            &self.folder,
            &self.gate,
            &self.porch,
            &self.names,
            &self.keyring,
            limits(),
        );
    }
}

fn run(
    folder: &tempfile::TempDir,
    gate: &Arc<FakeGate>,
    porch: &Arc<Porch>,
    names: &Arc<Names>,
    keyring: &Arc<FakeSecretStore>,
    limits: Limits,
) -> (Arc<Egress>, CancellationToken) {
    let egress = Egress::new(Options {
        gate: gate.clone(),
        entry: porch.clone(),
        callers: Arc::new(FakeCallers::new(1000)),
        owner: 1000,
        runtime: folder.path().to_owned(),
        limits,
        extra_ca: Some(folder.path().join("ca.pem")),
        resolver: names.clone(),
        tickets: Some(Tickets::new(
            keyring.clone(),
            Arc::new(CountingEntropy::default()),
        )),
    });
    let egress = Arc::new(egress.unwrap());
    let stop = CancellationToken::new();
    let (serving, stopping) = (Arc::clone(&egress), stop.clone());
    tokio::spawn(async move { serving.serve_intake(stopping).await.unwrap() });
    (egress, stop)
}

/// Hands a new listener in.
pub(crate) async fn enter(folder: &tempfile::TempDir, session: &str) -> (SocketAddr, UnixStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let door = listener.local_addr().unwrap();
    let words = format!("{{\"session\":\"{session}\",\"sandbox\":4242}}\n");
    (door, hand_in(folder, &words, &[listener.as_fd()]).await)
}

pub(crate) async fn hand_in(
    folder: &tempfile::TempDir,
    words: &str,
    descriptors: &[BorrowedFd<'_>],
) -> UnixStream {
    let path = folder.path().join("room.sock");
    let stream = loop {
        match UnixStream::connect(&path).await {
            Ok(stream) => break stream,
            // It is about to be made by another task.
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    stream.writable().await.unwrap();
    let words = [IoSlice::new(words.as_bytes())];
    sendmsg(&stream, &words, &mut control, SendFlags::empty()).unwrap();
    stream
}

pub(crate) async fn line(from: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).await.unwrap();
    line
}
