//! The room that an agent runs in.
//!
//! Three layers of the kernel's, each of which would have to fail: namespaces made by bubblewrap, which
//! decide what there is to see; Landlock, which decides again what may be written; and a filter of system
//! calls, which closes the doors that namespaces leave open. Outside, [`Sandbox`] makes and holds a
//! [`Room`]; inside, [`init`] closes the last two layers behind itself and becomes the agent.

mod bwrap;
mod channel;
mod doctor;
mod environment;
mod error;
mod etc;
mod git;
mod identity;
mod init;
mod layers;
mod options;
mod places;
mod program;
mod protect;
mod room;
mod sandbox;
mod spawn;
mod trust;
mod view;
mod watch;

pub use rustix::process::Signal;

pub use crate::{
    doctor::{Finding, Health, findings},
    error::{Error, InitError},
    init::init,
    layers::{Landlock, Layers},
    places::Private,
    protect::DEFAULT_PROTECTED,
    room::{HOME, Mount, Need, PROXY_PORT, Room, SOCKETS, Workspace},
    sandbox::{Ended, Sandbox, none_starts},
};
