//! A room that is there, as whoever made it holds it.

use std::{
    ffi::{CString, OsStr},
    fs::{self, File},
    io::{self, Read as _, Seek as _},
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::sockopt::{Timeout, set_socket_timeout},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
    stdio,
};

use crate::{
    bwrap,
    channel::{GO, Orders, Reply, fits, pair, receive, send, send_bytes},
    error::{Error, os, printable},
    layers::Layers,
    options::memory,
    protect::Protection,
    room::{Need, PROGRAMS, Room},
    spawn::{Running, Start, start},
    view,
};

/// How long a room may take until it is ready. It takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A room, and the agent in it from [`go`](Self::go) on. Dropping it kills everything inside.
#[derive(Debug)]
pub struct Sandbox {
    running: Running,
    socket: OwnedFd,
    listener: Option<OwnedFd>,
    /// Pid 1 of the room: when it dies the kernel kills all others there.
    init: (u32, OwnedFd),
    /// The process that becomes the agent.
    command: (u32, OwnedFd),
    program: String,
    protection: Protection,
    ended: Option<i32>,
}

/// How a room ended.
#[derive(Debug)]
pub struct Ended {
    /// The agent's exit status, or 128 and the number of the signal that killed it.
    pub status: i32,
    /// Sentences about what the agent made that deserve a look before anybody uses it.
    pub leftovers: Vec<String>,
}

/// Held while bubblewrap starts: if it loses its parent then, it leaves a child half made that nobody ends.
static STARTING: RwLock<()> = RwLock::new(());

/// Waits until no room is just being started, 20 s at most, and lets none start as long as the guard is held. For a
/// process that ends while another of its threads makes one.
pub fn none_starts() -> RwLockWriteGuard<'static, ()> {
    STARTING.write().unwrap_or_else(PoisonError::into_inner)
}

impl Sandbox {
    /// Makes the room and stops before the agent begins. Blocks for some milliseconds. The room ends with
    /// this process, however that ends; no other process can be made to inherit what is meant for it.
    ///
    /// Standard output is the caller's, and so are the agent's standard input and error.
    pub fn spawn(room: &Room) -> Result<Self, Error> {
        Self::spawn_after(room, || {})
    }

    /// For tests: `meanwhile` happens after everything was looked at and before anything is made of it.
    #[doc(hidden)]
    pub fn spawn_after(room: &Room, meanwhile: impl FnOnce()) -> Result<Self, Error> {
        let program = room.command.first().ok_or(Error::Plan("no command"))?;
        let bwrap = bwrap::find()?;
        let view = view::of(room)?;
        meanwhile();
        let orders = Orders {
            proxy: room.proxy,
            writable: view.writable.into_iter().map(Into::into).collect(),
            seen: view.seen,
            landlock_required: room.landlock == Need::Required,
        };
        // Before there is a process, which would be left behind half made.
        if !fits(&orders) {
            return Err(Error::Start {
                said: "there are too many places to protect and to show, or their names are too long: let the profile name folders above them".into(),
            });
        }
        let _starting = STARTING.read().unwrap_or_else(PoisonError::into_inner);
        let (first, theirs) = pair().map_err(os("making a socket"))?;
        let messages = memory(&[])?;
        let (information, informer) = pipe_with(PipeFlags::CLOEXEC).map_err(os("making a pipe"))?;
        let (options, mut inherited) = view.options.into_parts()?;
        let arguments = arguments(room, &options, &informer)?;
        inherited.extend([options, informer]);
        let mut running = start(Start {
            program: bwrap.clone(),
            arguments,
            stdin: theirs,
            stderr: messages
                .try_clone()
                .map_err(os("making a file in memory"))?,
            inherited,
        })
        .map_err(os("starting bubblewrap"))?;
        let ready = meet(&first, information, &orders);
        match ready {
            Ok(ready) => Ok(Self {
                running,
                socket: ready.socket,
                listener: ready.listener,
                init: ready.init,
                command: ready.command,
                program: printable(&program.to_string_lossy()),
                protection: view.protection,
                ended: None,
            }),
            Err(error) => {
                let _ = pidfd_send_signal(&running.pidfd, Signal::KILL);
                let _ = running.wait();
                Err(explained(error, &bwrap, messages))
            }
        }
    }

    /// The listener at 127.0.0.1:3128 of the room, once; whoever has it accepts from inside. `None` too
    /// where the room was asked for without.
    pub fn take_listener(&mut self) -> Option<OwnedFd> {
        self.listener.take()
    }

    /// Pid 1 of the room, by its number here. It shares every namespace with the agent.
    pub const fn init_pid(&self) -> u32 {
        self.init.0
    }

    /// The agent, by its number here.
    pub const fn command_pid(&self) -> u32 {
        self.command.0
    }

    /// What could not be protected, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.protection.notes
    }

    /// Lets the agent begin. Blocks for some milliseconds, until it has, and says which layers hold it.
    /// After an error the room is empty, and [`wait`](Self::wait) returns.
    pub fn go(&mut self) -> Result<Layers, Error> {
        send_bytes(&self.socket, GO, &[]).map_err(|_| self.gone())?;
        let layers = match self.reply()? {
            Some(Reply::Closed(layers)) => layers,
            other => return Err(self.refused(other)),
        };
        match self.reply()? {
            None => Ok(layers),
            other => Err(self.refused(other)),
        }
    }

    /// Sends a signal to the agent itself, not to what it started. Nothing happens if it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        deliver(&self.command.1, signal)
    }

    /// Kills everything in the room.
    pub fn kill(&self) -> Result<(), Error> {
        deliver(&self.init.1, Signal::KILL)
    }

    /// Becomes readable when the room has ended, so that [`wait`](Self::wait) does not block.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.running.pidfd.as_fd()
    }

    /// Waits for the agent to end; what it left running in the room is killed then.
    pub fn wait(&mut self) -> Result<Ended, Error> {
        let status = match self.ended {
            Some(status) => status,
            None => self.running.wait().map_err(os("waiting for the sandbox"))?,
        };
        self.empty();
        self.ended = Some(status);
        Ok(Ended {
            status,
            leftovers: self.protection.leftovers(),
        })
    }

    /// Until the last process is gone: what is protected must not be given up before.
    fn empty(&self) {
        let _ = self.kill();
        let mut ended = [PollFd::from_borrowed_fd(self.init.1.as_fd(), PollFlags::IN)];
        // The kernel kills and reaps all others before pid 1 has ended.
        while poll(&mut ended, None) == Err(Errno::INTR) {}
    }

    fn reply(&self) -> Result<Option<Reply>, Error> {
        let received = receive(&self.socket).map_err(os("hearing from the sandbox"))?;
        Ok(received.map(|(reply, _)| reply))
    }

    fn refused(&self, reply: Option<Reply>) -> Error {
        match reply {
            Some(Reply::NotStarted { said, status }) => Error::Command {
                name: self.program.clone(),
                said: printable(&said),
                status,
            },
            other => refusal(other),
        }
    }

    fn gone(&self) -> Error {
        refusal(None)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.empty();
            let _ = self.running.wait();
        }
    }
}

/// What `init` and bubblewrap tell before the agent begins.
struct Ready {
    socket: OwnedFd,
    listener: Option<OwnedFd>,
    init: (u32, OwnedFd),
    command: (u32, OwnedFd),
}

fn meet(first: &OwnedFd, information: OwnedFd, orders: &Orders) -> Result<Ready, Error> {
    let (socket, theirs) = pair().map_err(os("making a socket"))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))
        .map_err(os("setting a time limit"))?;
    let given = [theirs.as_fd(), stdio::stdin(), stdio::stderr()];
    // It waits in the socket until `init` is there.
    send(first, orders, &given).map_err(|_| refusal(None))?;
    drop(theirs);
    let init = opened(child(information)?)?;
    let received = receive::<Reply>(&socket).map_err(os("hearing from the sandbox"))?;
    let listener = match received {
        Some((Reply::Ready, descriptors)) => descriptors.into_iter().next(),
        other => return Err(refusal(other.map(|(reply, _)| reply))),
    };
    let command = opened(only_child(init.0)?)?;
    Ok(Ready {
        socket,
        listener,
        init,
        command,
    })
}

/// Pid 1 of the room, as bubblewrap writes it to `--info-fd`.
fn child(information: OwnedFd) -> Result<u32, Error> {
    #[derive(serde::Deserialize)]
    struct Information {
        #[serde(rename = "child-pid")]
        child_pid: u32,
    }
    let mut text = String::new();
    File::from(information)
        .read_to_string(&mut text)
        .map_err(os("hearing from bubblewrap"))?;
    // It says nothing when it ends before.
    let information = serde_json::from_str::<Information>(&text).map_err(|_| refusal(None))?;
    Ok(information.child_pid)
}

/// Before the agent begins, `init` is the only child that pid 1 has.
fn only_child(parent: u32) -> Result<u32, Error> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).map_err(os("looking for the agent's process"))?;
    let mut children = children.split_ascii_whitespace().map(str::parse);
    match (children.next(), children.next()) {
        (Some(Ok(child)), None) => Ok(child),
        _ => Err(refusal(None)),
    }
}

fn opened(pid: u32) -> Result<(u32, OwnedFd), Error> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let number = number.ok_or_else(|| refusal(None))?;
    let pidfd = pidfd_open(number, PidfdFlags::empty()).map_err(|_| refusal(None))?;
    Ok((pid, pidfd))
}

fn deliver(to: &OwnedFd, signal: Signal) -> Result<(), Error> {
    match pidfd_send_signal(to, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => Err(os("sending a signal")(errno)),
    }
}

/// Only options that say nothing: the others are in memory.
fn arguments(room: &Room, options: &OwnedFd, informer: &OwnedFd) -> Result<Vec<CString>, Error> {
    let (options, informer) = (
        options.as_raw_fd().to_string(),
        informer.as_raw_fd().to_string(),
    );
    let init = Path::new(PROGRAMS).join("valetkey");
    let fixed = ["bwrap", "--args", &options, "--info-fd", &informer, "--"].map(OsStr::new);
    let words = fixed
        .into_iter()
        .chain([init.as_os_str()])
        .chain(room.init_arguments.iter().map(OsStr::new))
        .chain(room.command.iter().map(OsStr::new));
    words
        .map(|word| CString::new(word.as_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Plan("a command that has a zero byte in it"))
}

fn refusal(reply: Option<Reply>) -> Error {
    match reply {
        Some(Reply::Missing(layer)) if layer == "Landlock" => Error::Layer("Landlock"),
        Some(Reply::Failed(said)) => Error::Start {
            said: printable(&said),
        },
        _ => Error::Start {
            said: String::new(),
        },
    }
}

/// An error without words gets those of bubblewrap, and the likeliest reason.
fn explained(error: Error, bwrap: &Path, messages: OwnedFd) -> Error {
    match error {
        Error::Start { said } if said.is_empty() => {
            if let Err(old) = bwrap::version(bwrap) {
                return old;
            }
            Error::Start {
                said: printable(said_in(messages).unwrap_or_default().trim()),
            }
        }
        other => other,
    }
}

fn said_in(messages: OwnedFd) -> io::Result<String> {
    let mut file = File::from(messages);
    file.rewind()?;
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text)?;
    Ok(text)
}
