//! One line with one descriptor.

use std::{
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketType,
    recvmsg, sockopt,
};
use serde::Deserialize;
use tokio::{
    io::Interest,
    net::{TcpListener, UnixStream},
};
use valetkey_codes::Code;
use valetkey_core::{Refusal, SessionId};

/// Longest line, in bytes; most of it is the ticket.
const LINE: usize = 64 << 10;
/// Read at once, in bytes.
const PIECE: usize = 1024;
/// Descriptors that there is room for: more than one is refused rather than cut off.
const DESCRIPTORS: usize = 4;

/// What the launcher says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    session: String,
    sandbox: i32,
    ticket: Option<String>,
}

/// What the launcher hands in.
pub(super) struct HandedIn {
    pub session: SessionId,
    pub sandbox: i32,
    /// What it kept of its room.
    pub ticket: Option<String>,
    pub listener: TcpListener,
}

/// Reads the line and takes the descriptor that comes with it.
pub(super) async fn receive(stream: &UnixStream) -> Result<HandedIn, Refusal> {
    let mut line = Vec::new();
    let mut descriptors = Vec::new();
    let end = loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            break end;
        }
        let came = stream
            .async_io(Interest::READABLE, || {
                receive_some(stream, &mut line, &mut descriptors)
            })
            .await
            .map_err(|error| refused("the line did not arrive", &error))?;
        if came == 0 || line.len() > LINE {
            return Err(Refusal::new(Code::InvalidRequest)
                .saying("a line of at most 64 KiB with one descriptor is expected"));
        }
    };
    // Whatever follows the line is nobody's.
    line.truncate(end);
    let words: Words = serde_json::from_slice(&line)
        .map_err(|error| refused("the line is not what is expected", &error))?;
    let session = SessionId::parse(&words.session).ok_or_else(|| {
        Refusal::new(Code::InvalidRequest).saying("the session's id is 32 hexadecimal digits")
    })?;
    let mut descriptors = descriptors.into_iter();
    let (Some(socket), None) = (descriptors.next(), descriptors.next()) else {
        return Err(Refusal::new(Code::InvalidRequest).saying("exactly one descriptor is expected"));
    };
    let listener =
        listener(socket).map_err(|error| refused("a listening tcp socket is expected", &error))?;
    Ok(HandedIn {
        session,
        sandbox: words.sandbox,
        ticket: words.ticket,
        listener,
    })
}

fn receive_some(
    stream: &UnixStream,
    line: &mut Vec<u8>,
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; PIECE];
    let received = recvmsg(
        stream.as_fd(),
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    )?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::other("too many descriptors"));
    }
    line.extend(bytes.iter().take(received.bytes));
    Ok(received.bytes)
}

fn listener(socket: OwnedFd) -> io::Result<TcpListener> {
    let family = sockopt::socket_domain(&socket)?;
    let fine = matches!(family, AddressFamily::INET | AddressFamily::INET6)
        && sockopt::socket_type(&socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(&socket)?;
    if !fine {
        return Err(io::Error::other("the descriptor is something else"));
    }
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn refused(words: &str, error: &dyn std::error::Error) -> Refusal {
    Refusal::new(Code::InvalidRequest)
        .saying(words)
        .because(error.to_string())
}
