//! Who connected, asked of the kernel before any byte is read.

use std::os::fd::AsFd as _;

use tokio::net::UnixStream;
use valetkey_core::{
    Caller,
    ports::{CallerError, Callers},
};

/// A peer that is not served; its connection is closed unread.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Foreign {
    /// The process of another user.
    #[error("uid {} is not the owner's", .0.uid)]
    Uid(Caller),
    /// The kernel would not say who it is.
    #[error(transparent)]
    Unknown(#[from] CallerError),
}

/// The peer of `stream`, where it is a process of `owner`.
pub(crate) fn admit(
    stream: &UnixStream,
    callers: &dyn Callers,
    owner: u32,
) -> Result<Caller, Foreign> {
    let caller = callers.identify(stream.as_fd())?;
    if caller.uid == owner {
        Ok(caller)
    } else {
        Err(Foreign::Uid(caller))
    }
}
