//! A proxy with one room, entered as a launcher does.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsFd as _, BorrowedFd},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::UnixStream,
};
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::{CredentialName, Refusal, SessionId, ports::Answer};
use valetkey_egress::{Egress, Entry, Limits, Options, Resolve};
use valetkey_inject::Placeholders;
use valetkey_support::fakes::callers::FakeCallers;

use crate::{gate::FakeGate, origin};

pub(crate) const PLACEHOLDER: &str = "vk-placeholder-0123456789";
pub(crate) const OTHER_PLACEHOLDER: &str = "vk-placeholder-9876543210";

/// Answers with what it is told, in turn.
#[derive(Default)]
pub(crate) struct Names(pub(crate) Mutex<VecDeque<Vec<SocketAddr>>>);

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Answer<'a, io::Result<Vec<SocketAddr>>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such name")) })
    }
}

#[derive(Default)]
pub(crate) struct Porch(pub(crate) Mutex<Vec<(SessionId, i32)>>);

impl Entry for Porch {
    fn enter<'a>(&'a self, session: SessionId, pid: i32) -> Answer<'a, Result<(), Refusal>> {
        self.0.lock().unwrap().push((session, pid));
        Box::pin(async { Ok(()) })
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
        let egress = Egress::new(Options {
            gate: gate.clone(),
            entry: porch.clone(),
            callers: Arc::new(FakeCallers::new(1000)),
            owner: 1000,
            runtime: folder.path().to_owned(),
            limits,
            extra_ca: Some(ca),
            resolver: names.clone(),
        });
        let egress = Arc::new(egress.unwrap());
        let stop = CancellationToken::new();
        let serving = Arc::clone(&egress);
        let stopping = stop.clone();
        tokio::spawn(async move { serving.serve_intake(stopping).await.unwrap() });
        let session = SessionId::parse("0198c0de00007000800000000000000f").unwrap();
        let placeholders = [("key", PLACEHOLDER), ("other", OTHER_PLACEHOLDER)]
            .map(|(name, text)| (CredentialName::parse(name).unwrap(), text.to_owned()));
        let placeholders = Placeholders::new(placeholders).unwrap();
        let room = egress.prepare(session, placeholders, None).unwrap();
        let (door, launcher) = enter(&folder, &session.to_string()).await;
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
        }
    }
}

/// Hands a new listener in.
pub(crate) async fn enter(folder: &tempfile::TempDir, session: &str) -> (SocketAddr, UnixStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
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
