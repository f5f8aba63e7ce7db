//! The first bytes through a tunnel: where they are TLS, they name the host that was connected to.

use std::io;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{Endpoint, HostName},
};

/// Most bytes that are looked at. A ClientHello has a few hundred, and some thousand with post-quantum keys.
const HELLO: usize = 64 * 1024;
/// The port where nothing but TLS is spoken.
const TLS_PORT: u16 = 443;

/// Why nothing passes.
pub(super) enum Stopped {
    /// The client left, or its connection broke.
    Gone,
    /// It said what does not pass.
    Refused(Refusal),
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads until it is clear what is spoken, and gives back everything that was read. What is not TLS passes
/// to every port but 443.
pub(super) async fn read(
    mut from: impl AsyncRead + Unpin,
    first: &[u8],
    endpoint: &Endpoint,
) -> Result<Vec<u8>, Stopped> {
    let mut bytes = first.to_vec();
    let mut acceptor = Acceptor::default();
    let mut fed = 0;
    loop {
        match *bytes.as_slice() {
            [] | [RECORD] => {}
            [RECORD, MAJOR, ..] => {
                let mut new = bytes.get(fed..).unwrap_or_default();
                while !new.is_empty() {
                    acceptor.read_tls(&mut new)?;
                    match acceptor.accept() {
                        Ok(None) => {}
                        Ok(Some(accepted)) => {
                            let named = accepted.client_hello().server_name().map(str::to_owned);
                            names(named.as_deref(), &endpoint.host).map_err(Stopped::Refused)?;
                            return Ok(bytes);
                        }
                        Err((error, _)) => return Err(no_hello(&error.to_string())),
                    }
                }
                fed = bytes.len();
            }
            _ if endpoint.port == TLS_PORT => return Err(no_hello("no record of tls")),
            _ => return Ok(bytes),
        }
        if bytes.len() >= HELLO {
            return Err(no_hello("too long"));
        }
        if from.read_buf(&mut bytes).await? == 0 {
            return Err(Stopped::Gone);
        }
    }
}

/// Whether TLS names the host that was connected to. An address has no server name (RFC 6066 section 3).
pub(super) fn names(server_name: Option<&str>, host: &HostName) -> Result<(), Refusal> {
    let words = match server_name {
        None if host.ip().is_some() => return Ok(()),
        None => "TLS names no server, and CONNECT did",
        Some(name) if HostName::parse(name).is_ok_and(|name| name == *host) => return Ok(()),
        Some(_) => "TLS and CONNECT name different hosts",
    };
    Err(Refusal::new(Code::TargetMismatch).saying(words))
}

fn no_hello(why: &str) -> Stopped {
    let refusal = Refusal::new(Code::TargetMismatch).saying("only TLS goes through this tunnel");
    Stopped::Refused(refusal.because(why))
}

/// The first byte of a handshake's record, and the second (RFC 8446 section 5.1).
const RECORD: u8 = 22;
const MAJOR: u8 = 3;
