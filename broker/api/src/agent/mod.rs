//! The doors of agents: a Unix socket per session, gRPC `valetkey.agent.v1` and HTTP on it.
//!
//! The socket is the session: nothing that an agent says names one, so no agent can name another's.

mod ask;
mod call;
mod command;
mod desk;
mod door;
mod doors;
mod exchange;
mod grpc;
mod http;
mod pace;
mod reach;
mod socket;
mod wait;
mod watch;

pub use doors::SessionDoors;
pub(crate) use socket::path as socket_path;
