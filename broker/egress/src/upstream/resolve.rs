//! Names to addresses, and which of these lead somewhere that an agent has business.

use std::{io, net::SocketAddr};

use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    network::{AddressClass, Endpoint, class_of},
    ports::Answer,
};

use crate::gate::Gate;

/// Asks for the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of `host`, in the order in which they are tried.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// The addresses of `endpoint` that may be connected to. Whoever connects uses these very addresses: a
/// second look at the name could be answered otherwise (rebinding).
pub(super) async fn addresses(
    gate: &dyn Gate,
    resolver: &dyn Resolve,
    endpoint: &Endpoint,
) -> Result<Vec<SocketAddr>, Refusal> {
    let Endpoint { host, port } = endpoint;
    let found = if let Some(socket) = endpoint.socket() {
        vec![socket]
    } else if let Some(ip) = gate.located(host) {
        vec![SocketAddr::new(ip, *port)]
    } else {
        let found = resolver.resolve(host.as_str(), *port).await;
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
        let class = class_of(first.ip()).id();
        return Err(Refusal::new(Code::AddressRefused).because(format!("{first} is {class}")));
    }
    Ok(fine)
}

fn may_reach(gate: &dyn Gate, address: SocketAddr) -> bool {
    class_of(address.ip()) == AddressClass::Public || gate.admits(address)
}
