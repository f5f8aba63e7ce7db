//! One launcher, from its line until it leaves or its session is over.

use std::{os::fd::AsFd as _, sync::Arc, time::Duration};

use rustix::net::{Shutdown, shutdown};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use valetkey_codes::Code;
use valetkey_core::Refusal;

use super::receive::{HandedIn, receive};
use crate::{Egress, room::Room};

/// How long the line may take to arrive, and an answer to be taken.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Ok(bool),
    Error {
        code: &'a str,
        message: &'a str,
        next_step: &'a str,
    },
    Over(&'a str),
}

/// Serves one launcher.
pub(super) async fn attend(egress: Arc<Egress>, mut stream: UnixStream, stop: CancellationToken) {
    if let Err(why) = admit(&egress, &stream) {
        tracing::warn!("a launcher was turned away: {why}");
        return;
    }
    let entered = tokio::select! {
        () = stop.cancelled() => return,
        entered = enter(&egress, &stream) => entered,
    };
    match entered {
        Ok((room, handed)) => stay(&egress, stream, room, handed, &stop).await,
        Err(refusal) => {
            let code = refusal.code().row().id;
            tracing::warn!(code, detail = refusal.detail(), "a room was refused");
            let line = Line::Error {
                code,
                message: refusal.message(),
                next_step: refusal.next_step(),
            };
            say(&mut stream, &line).await;
        }
    }
}

/// Whose process it is, asked of the kernel before any byte is read.
fn admit(egress: &Egress, stream: &UnixStream) -> Result<(), String> {
    let house = egress.house();
    let caller = house
        .callers
        .identify(stream.as_fd())
        .map_err(|error| error.to_string())?;
    if caller.uid == house.owner {
        Ok(())
    } else {
        Err(format!("uid {} is not the owner's", caller.uid))
    }
}

/// Frees the room however the visit ends.
struct Occupied(Arc<Room>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.vacate();
    }
}

async fn enter(egress: &Egress, stream: &UnixStream) -> Result<(Occupied, HandedIn), Refusal> {
    let arrived = timeout(LINE_TIMEOUT, receive(stream)).await;
    let handed = arrived.map_err(|_| Refusal::from(Code::DeadlineExceeded))??;
    if egress.is_stopping() {
        return Err(Code::ShuttingDown.into());
    }
    let session = handed.session;
    let (room, is_back) = match (egress.room(session), &handed.ticket) {
        (Some(room), _) => (room, false),
        (None, Some(ticket)) => (egress.again(session, ticket).await?, true),
        (None, None) => return Err(Code::UnknownSession.into()),
    };
    if !room.occupy() {
        return Err(
            Refusal::new(Code::AlreadyExists).saying("the session's sandbox is there already")
        );
    }
    let room = Occupied(room);
    let entry = &egress.house().entry;
    let entered = entry.enter(session, handed.sandbox).await;
    match entered {
        Ok(()) => Ok((room, handed)),
        Err(refusal) => {
            drop(room);
            if is_back {
                egress.close(session).await;
            }
            Err(refusal)
        }
    }
}

async fn stay(
    egress: &Egress,
    mut stream: UnixStream,
    occupied: Occupied,
    handed: HandedIn,
    stop: &CancellationToken,
) {
    let HandedIn {
        session, listener, ..
    } = handed;
    let room = Arc::clone(&occupied.0);
    say(&mut stream, &Line::Ok(true)).await;
    let left = tokio::select! {
        biased;
        () = room.closing.cancelled() => false,
        () = stop.cancelled() => false,
        () = gone(&mut stream) => true,
        () = room.attend(&listener) => false,
    };
    let is_over = room.closing.is_cancelled() && !egress.is_stopping();
    if left || is_over {
        // The launcher has it too; it takes no more connections, whoever has it. A broker that only stops leaves
        // them to the next one. It fails where it was shut down before.
        let _ = shutdown(&listener, Shutdown::Both);
    }
    drop(listener);
    room.turn().await;
    drop(occupied);
    if left {
        // The sandbox dies with its launcher, so nobody is left who could speak for the session.
        egress.house().entry.left(session).await;
    } else {
        let code = if is_over {
            egress.house().entry.over(session).await
        } else {
            Code::ShuttingDown
        };
        say(&mut stream, &Line::Over(code.row().id)).await;
    }
}

/// Ready when the launcher's end has closed. It has nothing more to say.
async fn gone(stream: &mut UnixStream) {
    let mut bytes = [0; 64];
    while matches!(stream.read(&mut bytes).await, Ok(1..)) {}
}

async fn say(stream: &mut UnixStream, line: &Line<'_>) {
    let Ok(mut bytes) = serde_json::to_vec(line) else {
        return;
    };
    bytes.push(b'\n');
    // A launcher that left hears nothing.
    drop(timeout(LINE_TIMEOUT, stream.write_all(&bytes)).await);
}
