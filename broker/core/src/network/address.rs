//! Which addresses lead somewhere that an agent has no business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is, by the registries of RFC 6890.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// Out in the world.
    Public,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// The same link, where clouds keep their metadata (RFC 3927, RFC 4291).
    LinkLocal,
    /// A cloud's metadata service outside the link-local range.
    Metadata,
    /// Nobody in particular: unspecified, broadcast, multicast, documentation, reserved.
    Special,
}

impl AddressClass {
    /// In words.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Special => "special",
        }
    }
}

/// The class of an address. An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64,
/// 6to4, Teredo's server aside) is what the carried one is, where that is worse.
pub fn class_of(ip: IpAddr) -> AddressClass {
    match ip {
        IpAddr::V4(ip) => v4(ip),
        IpAddr::V6(ip) => v6(ip),
    }
}

fn v4(ip: Ipv4Addr) -> AddressClass {
    use AddressClass::{LinkLocal, Loopback, Metadata, Private, Public, Special};
    match ip.octets() {
        [127, ..] => Loopback,
        // Alibaba's, Oracle's and Azure's are not link-local.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Metadata,
        [10, ..] | [192, 168, ..] => Private,
        [172, b, ..] if b & 0xf0 == 16 => Private,
        [100, b, ..] if b & 0xc0 == 64 => Private,
        [169, 254, ..] => LinkLocal,
        // This network, protocol assignments, documentation, benchmarks, 6to4 relays, multicast, reserved.
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [198, 18 | 19, ..]
        | [192, 88, 99, _]
        | [224..=255, ..] => Special,
        _ => Public,
    }
}

fn v6(ip: Ipv6Addr) -> AddressClass {
    use AddressClass::{LinkLocal, Loopback, Metadata, Private, Public, Special};
    if ip == Ipv6Addr::LOCALHOST {
        return Loopback;
    }
    if ip == Ipv6Addr::UNSPECIFIED {
        return Special;
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let low = v4_of(g, h);
    match (a, b) {
        // Mapped, translated and compatible (RFC 4291 section 2.5.5, RFC 2765).
        (0, 0) if c == 0 && d == 0 && (e == 0 || e == 0xffff) => return v4(low),
        // NAT64 (RFC 6052). Where in an address of a local prefix (RFC 8215) the carried one stands only its own
        // network knows, so all of those are nobody's.
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => return v4(low),
        // 6to4 (RFC 3056).
        (0x2002, _) => return v4(v4_of(b, c)),
        _ => {}
    }
    match a {
        // AWS's metadata service by IPv6.
        0xfd00 if b == 0x0ec2 => Metadata,
        0xfc00..=0xfdff => Private,
        0xfe80..=0xfebf => LinkLocal,
        // Site-local, deprecated and still routed inside.
        0xfec0..=0xfeff => Private,
        // Teredo and the rest of protocol assignments, documentation.
        0x2001 if b < 0x200 || b == 0x0db8 => Special,
        0x2000..=0x3fff => Public,
        _ => Special,
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::{AddressClass, class_of};

    #[test]
    fn every_way_home_is_known() {
        use AddressClass::{LinkLocal, Loopback, Metadata, Private, Public, Special};
        for (address, class) in [
            ("1.1.1.1", Public),
            ("172.15.0.1", Public),
            ("172.32.0.1", Public),
            ("100.63.0.1", Public),
            ("2606:4700::1111", Public),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("::127.0.0.1", Loopback),
            ("64:ff9b::7f00:1", Loopback),
            ("64:ff9b::1.1.1.1", Public),
            ("2002:7f00:1::", Loopback),
            ("10.1.2.3", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.0.1", Private),
            ("100.64.0.1", Private),
            ("fd12::1", Private),
            ("fec0::1", Private),
            ("169.254.169.254", LinkLocal),
            ("::ffff:169.254.169.254", LinkLocal),
            ("2002:a9fe:a9fe::1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("fd00:ec2::254", Metadata),
            ("100.100.100.200", Metadata),
            ("192.0.0.192", Metadata),
            ("168.63.129.16", Metadata),
            ("0.0.0.0", Special),
            ("0.1.2.3", Special),
            ("::", Special),
            ("255.255.255.255", Special),
            ("224.0.0.1", Special),
            ("240.0.0.1", Special),
            ("198.18.0.1", Special),
            ("192.0.2.1", Special),
            ("2001::1", Special),
            ("2001:db8::1", Special),
            ("ff02::1", Special),
            ("64:ff9b:1::10.0.0.1", Special),
            ("64:ff9b:1::1.1.1.1", Special),
            ("64:ff9b:1:a00:0:100:1.1.1.1", Special),
            ("64:ff9b::1:101:101", Special),
        ] {
            assert_eq!(class_of(address.parse().unwrap()), class, "{address}");
        }
    }
}
