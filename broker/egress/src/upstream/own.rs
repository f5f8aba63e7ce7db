//! Addresses of this machine that no registry tells.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

/// Whether an address is one of this machine's own: then it would speak from that very address to it, or from the
/// loopback's. Asked of the kernel's routes by a datagram socket, which sends nothing.
pub(super) fn is_own(address: SocketAddr) -> bool {
    let from: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let speaks_from = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((from, 0))?;
        socket.connect(address)?;
        Ok(socket.local_addr()?.ip())
    };
    // Where no route leads no connection will.
    speaks_from().is_ok_and(|own| own == address.ip() || own.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn the_machines_own_are_known() {
        for (address, own) in [
            ("127.0.0.1:80", true),
            ("127.1.2.3:80", true),
            ("[::1]:80", true),
            ("8.8.4.4:80", false),
            ("[2606:4700::1111]:80", false),
        ] {
            assert_eq!(is_own(address.parse().unwrap()), own, "{address}");
        }
    }
}
