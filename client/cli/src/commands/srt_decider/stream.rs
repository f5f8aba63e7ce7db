//! What the proxy is spoken to through: one socket or two pipes, as standard input and output.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::fs::{FileType, fstat};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{self, unix::pipe},
};

/// Where requests come from.
pub(super) fn input() -> io::Result<Box<dyn AsyncRead + Unpin>> {
    let input = io::stdin();
    if is_socket(&input)? {
        return Ok(Box::new(socket(&input)?));
    }
    let pipe = pipe::Receiver::from_owned_fd(own(&input)?)?;
    Ok(Box::new(pipe))
}

/// Where verdicts go.
pub(super) fn output() -> io::Result<Box<dyn AsyncWrite + Unpin>> {
    let output = io::stdout();
    if is_socket(&output)? {
        return Ok(Box::new(socket(&output)?));
    }
    let pipe = pipe::Sender::from_owned_fd(own(&output)?)?;
    Ok(Box::new(pipe))
}

fn is_socket(of: &impl AsFd) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(fstat(of)?.st_mode) == FileType::Socket)
}

fn socket(of: &impl AsFd) -> io::Result<net::UnixStream> {
    let stream = UnixStream::from(own(of)?);
    stream.set_nonblocking(true)?;
    net::UnixStream::from_std(stream)
}

fn own(of: &impl AsFd) -> io::Result<OwnedFd> {
    of.as_fd().try_clone_to_owned()
}
