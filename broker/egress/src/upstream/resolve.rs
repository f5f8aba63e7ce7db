//! Names to addresses, and which of these lead somewhere that an agent has business.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    thread,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{AddressClass, Endpoint, class_of},
    ports::Answer,
};

use super::own::is_own;
use crate::gate::Gate;

/// Asks for the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of `host`, in the order in which they are tried. `place` is given back when nothing is
    /// asked any more, which may be long after whoever wanted to know has gone.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        place: OwnedSemaphorePermit,
    ) -> Answer<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver, `getaddrinfo(3)`. Nothing ends it early: each question has a thread of its own, so
/// that those which nobody answers fill no pool that others need.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
        place: OwnedSemaphorePermit,
    ) -> Answer<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let host = host.to_owned();
            thread::Builder::new()
                .name("resolver".to_owned())
                .spawn(move || {
                    let found = (host.as_str(), port).to_socket_addrs();
                    drop(place);
                    // Whoever asked may have gone.
                    let _ = tell.send(found.map(Vec::from_iter));
                })?;
            told.await.map_err(io::Error::other)?
        })
    }
}

/// The addresses of `endpoint` that may be connected to. Whoever connects uses these very addresses: a
/// second look at the name could be answered otherwise (rebinding).
pub(super) async fn addresses(
    gate: &dyn Gate,
    (resolver, places): (&dyn Resolve, &Arc<Semaphore>),
    endpoint: &Endpoint,
) -> Result<Vec<SocketAddr>, Refusal> {
    let Endpoint { host, port } = endpoint;
    let found = if let Some(socket) = endpoint.socket() {
        vec![socket]
    } else if let Some(ip) = gate.located(host) {
        vec![SocketAddr::new(ip, *port)]
    } else {
        // The semaphore is never closed.
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(|_| Code::Internal)?;
        let found = resolver.resolve(host.as_str(), *port, place).await;
        found.map_err(|error| {
            Refusal::new(Code::HostUnreachable)
                .saying("the host's name does not resolve")
                .because(error.to_string())
        })?
    };
    let Some(first) = found.first().copied() else {
        return Err(Refusal::new(Code::HostUnreachable).saying("the host has no address"));
    };
    // Where a configuration or a literal names a public address it still has to be admitted by the head's
    // reader or the gate; here only the class counts.
    let fine: Vec<_> = found
        .into_iter()
        .filter(|&address| may_reach(gate, address))
        .collect();
    if fine.is_empty() {
        let class = match class_of(first.ip()) {
            AddressClass::Public => "this machine's own",
            class => class.id(),
        };
        return Err(Refusal::new(Code::AddressRefused).because(format!("{first} is {class}")));
    }
    Ok(fine)
}

/// Whether it is out in the world, or an admin named it.
pub(crate) fn may_reach(gate: &dyn Gate, address: SocketAddr) -> bool {
    let is_out = || class_of(address.ip()) == AddressClass::Public && !is_own(address);
    gate.admits(address) || is_out()
}
