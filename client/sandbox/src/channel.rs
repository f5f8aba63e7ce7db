//! What is said between a [`crate::Sandbox`] and the [`crate::init`] inside it.
//!
//! Sequenced packets, so that one message is one read. Two pairs of sockets: bubblewrap inherits the
//! first as its standard input and keeps it for as long as it lives. Over it the second is handed in,
//! which nobody but `init` ever holds: when that one ends without a word, the agent has begun.

mod spelled;

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use self::spelled::Spelled;
use crate::{identity::Seen, layers::Layers};

/// The most that one message has, in bytes. The kernel's default for a socket is above 200 KiB.
const MESSAGE: usize = 128 * 1024;
/// The most descriptors of one message.
const DESCRIPTORS: usize = 3;

/// What `init` has to know. With it come the second socket and the standard input and error of the agent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Whether to listen for the proxy.
    pub(crate) proxy: bool,
    /// Below what the agent may write.
    pub(crate) writable: Vec<Spelled>,
    /// What has to be there.
    pub(crate) seen: Seen,
    /// Whether to go on without Landlock.
    pub(crate) landlock_required: bool,
}

/// What `init` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// It waits to be told to go on. With it comes the listener, if one was asked for.
    Ready,
    /// The room is closed, by these layers. If nothing follows, the agent runs.
    Closed(Layers),
    /// A layer that was required is missing.
    Missing(String),
    /// The agent's program did not start.
    NotStarted { said: String, status: i32 },
    /// Anything else.
    Failed(String),
}

/// What lets `init` go on.
pub(crate) const GO: &[u8] = b"go";

pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    send_bytes(socket, &bytes(message)?, descriptors)
}

fn bytes(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MESSAGE {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// Whether it can be sent.
pub(crate) fn fits(message: &impl Serialize) -> bool {
    bytes(message).is_ok()
}

pub(crate) fn send_bytes(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let flags = SendFlags::NOSIGNAL;
    retry(|| sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, flags))?;
    Ok(())
}

/// The next message and its descriptors; `None` when the other side is gone.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let Some((bytes, descriptors)) = receive_bytes(socket)? else {
        return Ok(None);
    };
    Ok(Some((serde_json::from_slice(&bytes)?, descriptors)))
}

pub(crate) fn receive_bytes(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = retry(|| {
        let mut into = [IoSliceMut::new(&mut bytes)];
        recvmsg(&socket, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let length = match received {
        // A packet is never empty here.
        Ok(received) if received.bytes == 0 => return Ok(None),
        Err(Errno::CONNRESET) => return Ok(None),
        other => other?.bytes,
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            descriptors.extend(more);
        }
    }
    bytes.truncate(length);
    Ok(Some((bytes, descriptors)))
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
