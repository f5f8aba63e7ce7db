//! What runs first inside a room: it closes the room behind itself and becomes the agent.

use std::{
    convert::Infallible,
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
};

use nix::sys::signal::SigSet;
use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, setrlimit},
    stdio,
    thread::set_no_new_privs,
};

use crate::{
    channel::{GO, Orders, Reply, receive, receive_bytes, send},
    error::InitError,
    layers::{Landlock, Layers, restrict_calls, restrict_files},
    room::PROXY_PORT,
};

/// Becomes the agent, whose program and arguments are `command`; it comes back only if it cannot.
///
/// To be called first in a process that [`crate::Sandbox::spawn`] started, while it has one thread and no
/// open file of its own: every descriptor but the standard three is closed.
pub fn init(command: Vec<OsString>) -> Result<Infallible, InitError> {
    let (orders, socket) = orders()?;
    match close(&orders, &socket).and_then(|()| become_agent(command)) {
        Err(Stop::Silently) => Err(InitError::new("whoever asked for it is gone")),
        Err(Stop::Saying(reply)) => {
            let text = format!("{reply:?}");
            let told = send(&socket, &reply, &[]).is_ok();
            let error = InitError::new(text);
            Err(if told { error.told() } else { error })
        }
        Ok(never) => match never {},
    }
}

enum Stop {
    Silently,
    Saying(Reply),
}

impl Stop {
    fn at<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Saying(Reply::Failed(format!("{what}: {error}")))
    }
}

/// The first message is at standard input; what belongs there comes with it.
fn orders() -> Result<(Orders, OwnedFd), InitError> {
    let first = fcntl_dupfd_cloexec(stdio::stdin(), 3).map_err(InitError::at("the socket"))?;
    let received = receive::<Orders>(&first).map_err(InitError::at("the orders"))?;
    let Some((orders, descriptors)) = received else {
        return Err(InitError::new("nobody gave orders"));
    };
    let [socket, input, error]: [OwnedFd; 3] = descriptors
        .try_into()
        .map_err(|_| InitError::new("the orders came without their descriptors"))?;
    stdio::dup2_stdin(&input).map_err(InitError::at("standard input"))?;
    stdio::dup2_stderr(&error).map_err(InitError::at("standard error"))?;
    Ok((orders, socket))
}

fn close(orders: &Orders, socket: &OwnedFd) -> Result<(), Stop> {
    let is_shown = orders.seen.is_shown();
    is_shown.map_err(|said| Stop::Saying(Reply::Failed(said)))?;
    if orders.proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PROXY_PORT))
            .map_err(Stop::at("the listener for the proxy"))?;
        send(socket, &Reply::Ready, &[listener.as_fd()]).map_err(|_| Stop::Silently)?;
        // Closed here: inside, nobody may answer in the broker's place.
    } else {
        send(socket, &Reply::Ready, &[]).map_err(|_| Stop::Silently)?;
    }
    match receive_bytes(socket) {
        Ok(Some((bytes, _))) if bytes == GO => {}
        _ => return Err(Stop::Silently),
    }
    close_inherited(socket).map_err(Stop::at("the inherited descriptors"))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(Stop::at("the limit of core files"))?;
    set_no_new_privs(true).map_err(Stop::at("no new privileges"))?;
    let landlock = restrict_files(&orders.writable).map_err(Stop::at("Landlock"))?;
    if landlock == Landlock::None && orders.landlock_required {
        return Err(Stop::Saying(Reply::Missing("Landlock".into())));
    }
    restrict_calls().map_err(Stop::at("the filter of system calls"))?;
    let closed = Reply::Closed(Layers { landlock });
    send(socket, &closed, &[]).map_err(|_| Stop::Silently)
}

/// What bubblewrap, or whoever started it, left open. The socket goes when the agent begins.
fn close_inherited(socket: &OwnedFd) -> io::Result<()> {
    let mut open: Vec<i32> = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    for number in open {
        if number > 2 && number != socket.as_raw_fd() {
            // The one that listed the others is closed already.
            let _ = nix::unistd::close(number);
        }
    }
    Ok(())
}

fn become_agent(command: Vec<OsString>) -> Result<Infallible, Stop> {
    let mut words = command.into_iter();
    let Some(program) = words.next() else {
        return Err(Stop::Saying(Reply::Failed("no command".into())));
    };
    // Bubblewrap is made to block what a terminal sends (`spawn.rs`), and `exec` keeps that.
    SigSet::empty()
        .thread_set_mask()
        .map_err(Stop::at("the mask of signals"))?;
    let error = Command::new(program).args(words).exec();
    let status = if error.kind() == ErrorKind::NotFound {
        127
    } else {
        126
    };
    Err(Stop::Saying(Reply::NotStarted {
        said: error.to_string(),
        status,
    }))
}
