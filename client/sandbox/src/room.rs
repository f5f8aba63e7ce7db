//! What a room is to be like.

use std::{ffi::OsString, path::PathBuf};

use crate::{places::Private, protect::DEFAULT_PROTECTED};

/// The home of every agent: empty, in memory, gone with the room.
pub const HOME: &str = "/home/agent";
/// Where a room shows the folder of its session's socket.
pub const SOCKETS: &str = "/run/valetkey";
/// The port on 127.0.0.1 of a room at which the broker's proxy answers.
pub const PROXY_PORT: u16 = 3128;
/// Where a room shows `valetkey`. Not below `/opt`, which is the host's and cannot be added to.
pub(crate) const PROGRAMS: &str = "/run/valetkey-bin";

/// Everything that [`crate::Sandbox::spawn`] has to know.
#[derive(Debug, Clone)]
pub struct Room {
    /// The program that closes the room from inside: `valetkey` itself. It is shown as `valetkey`, first
    /// in `PATH`.
    pub init: PathBuf,
    /// What comes before the agent's command in its arguments: the hidden subcommand.
    pub init_arguments: Vec<OsString>,
    /// The agent: a program, as found in the `PATH` of the room, and its arguments.
    pub command: Vec<OsString>,
    /// The folder that the agent works in.
    pub workspace: Workspace,
    /// What else the profile shows of the host.
    pub mounts: Vec<Mount>,
    /// The socket of the session, on the host. Its folder is shown read-only at [`SOCKETS`].
    pub socket: Option<PathBuf>,
    /// Whether there is a listener for the broker's proxy, and variables that point to it. Without it
    /// the room has no network at all.
    pub proxy: bool,
    /// The certificate (PEM) of the authority that the proxy signs with.
    pub authority: Option<String>,
    /// Variables of the developer's to let through, named exactly.
    pub pass: Vec<String>,
    /// Variables to set; they win over every other.
    pub variables: Vec<(String, String)>,
    /// What no room may show, whatever its profile says.
    pub private: Private,
    /// Whether a kernel without Landlock will do.
    pub landlock: Need,
}

/// The folder that an agent works in. It is shown at its own path.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// An existing folder of the user's.
    pub path: PathBuf,
    /// Whether the agent may change it.
    pub writable: bool,
    /// What stays read-only in a writable workspace, relative to it: files that make somebody else run
    /// what they say.
    pub protected: Vec<PathBuf>,
}

/// A file or a folder of the host's to show.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Where the room has it.
    pub inside: PathBuf,
    /// Whether the agent may change it.
    pub writable: bool,
}

/// What to do about a layer that this kernel lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// No room without it.
    Required,
    /// The room is made; [`crate::Layers`] says what is missing.
    IfAvailable,
}

impl Room {
    /// A room with this workspace, writable but for [`DEFAULT_PROTECTED`], and nothing else: no socket,
    /// no network, no variables. `valetkey` is the program that runs `sandbox-init` inside.
    pub fn new(valetkey: PathBuf, workspace: PathBuf, command: Vec<OsString>) -> Self {
        Self {
            init: valetkey,
            init_arguments: vec!["sandbox-init".into()],
            command,
            workspace: Workspace {
                path: workspace,
                writable: true,
                protected: DEFAULT_PROTECTED.iter().map(PathBuf::from).collect(),
            },
            mounts: Vec::new(),
            socket: None,
            proxy: false,
            authority: None,
            pass: Vec::new(),
            variables: Vec::new(),
            private: Private::of_this_user(),
            landlock: Need::Required,
        }
    }
}
