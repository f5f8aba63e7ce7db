//! A sandbox is handed over to the broker: from then on its session speaks, and its proxy is served.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd as _, BorrowedFd},
    path::Path,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Interest},
    net::UnixStream,
};

use crate::{
    Code, Error,
    deadline::{self, within},
    socket,
};

/// A room that the broker serves. Dropping it ends that.
pub struct Handover {
    stream: BufReader<UnixStream>,
}

/// What is handed over.
pub struct Room<'a> {
    /// The session.
    pub session: &'a str,
    /// The first process in the sandbox, by its number here.
    pub sandbox: u32,
    /// The listening socket that was made inside.
    pub listener: BorrowedFd<'a>,
    /// What the room's description came with, for a broker that was started since.
    pub ticket: Option<&'a str>,
}

#[derive(Serialize)]
struct Words<'a> {
    session: &'a str,
    sandbox: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
}

#[derive(Deserialize)]
struct Line {
    error: Option<Refused>,
    over: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    code: String,
    message: String,
    next_step: String,
}

/// Hands the sandbox of a session over. `path` is what the room's description names; the socket there and
/// whoever listens must be this user's. Not cancel safe: to a broker that was told, whoever leaves has ended
/// the session.
pub async fn hand_over(path: &Path, room: &Room<'_>) -> Result<Handover, Error> {
    socket::check_owned(path)?;
    within(deadline::CONTROL, async {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|error| broken(&error))?;
        socket::check_peer(&stream).map_err(|error| broken(&error))?;
        let words = Words {
            session: room.session,
            sandbox: room.sandbox,
            ticket: room.ticket,
        };
        let mut line = serde_json::to_vec(&words).map_err(|_| unexpected())?;
        line.push(b'\n');
        stream.writable().await.map_err(|error| broken(&error))?;
        let sent = stream.try_io(Interest::WRITABLE, || {
            send(stream.as_fd(), &line, room.listener)
        });
        if sent.map_err(|error| broken(&error))? != line.len() {
            return Err(unexpected());
        }
        let mut handover = Handover {
            stream: BufReader::new(stream),
        };
        match handover.line().await? {
            Some(Line {
                error: None,
                over: None,
            }) => Ok(handover),
            Some(Line {
                error: Some(refused),
                ..
            }) => {
                let code = Code::from_id(&refused.code).unwrap_or(Code::Internal);
                Err(Error::new(code, refused.message).with_next_step(refused.next_step))
            }
            _ => Err(unexpected()),
        }
    })
    .await
}

impl Handover {
    /// Ready when the session is over, with the code that says why; or when the broker has gone, with
    /// [`Code::BrokerUnreachable`]. Cancel safe.
    pub async fn over(&mut self) -> Code {
        match self.line().await {
            Ok(Some(Line {
                over: Some(code), ..
            })) => Code::from_id(&code).unwrap_or(Code::SessionEnded),
            _ => Code::BrokerUnreachable,
        }
    }

    async fn line(&mut self) -> Result<Option<Line>, Error> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line).await;
        if length.map_err(|error| broken(&error))? == 0 {
            return Ok(None);
        }
        serde_json::from_str(&line)
            .map(Some)
            .map_err(|_| unexpected())
    }
}

fn send(socket: BorrowedFd<'_>, line: &[u8], listener: BorrowedFd<'_>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [listener];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("there is no room for a descriptor"));
    }
    Ok(sendmsg(
        socket,
        &[IoSlice::new(line)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}

fn broken(error: &io::Error) -> Error {
    Error::new(
        Code::BrokerUnreachable,
        format!("the sandbox could not be handed over: {error}"),
    )
}

fn unexpected() -> Error {
    Error::new(
        Code::Internal,
        "the broker's answer to the sandbox is not known here",
    )
}
