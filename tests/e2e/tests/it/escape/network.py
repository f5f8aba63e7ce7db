"""Around the proxy: every family and every address that a room could reach without it."""

import os
import socket
import struct

from harness import Held, attempt, facts

#: An address for examples (RFC 5737), one of version 6 (RFC 3849), and where clouds keep credentials. In
#: `own` somebody answers at all three.
FAR, FAR6, METADATA = "192.0.2.1", "2001:db8::1", "169.254.169.254"
#: `host.docker.internal` and the gateways of the usual bridges.
NEIGHBOURS = ["172.17.0.1", "10.0.2.2", "192.168.122.1"]


def reached(address, kind=socket.SOCK_STREAM, family=socket.AF_INET):
    with socket.socket(family, kind) as connection:
        connection.settimeout(5)
        connection.connect(address)
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        got = connection.recv(4096)
    if not got:
        raise Held("hung up")
    return got[:20]


@attempt("network/loopback-of-the-host")
def _():
    return reached(("127.0.0.1", facts.tcp))


@attempt("network/loopback-of-the-host-by-another-address")
def _():
    return reached(("127.9.9.9", facts.tcp_all))


@attempt("network/loopback-of-the-host-version-6")
def _():
    return reached(("::1", facts.tcp6), family=socket.AF_INET6)


@attempt("network/loopback-of-the-host-mapped")
def _():
    return reached(("::ffff:127.0.0.1", facts.tcp), family=socket.AF_INET6)


@attempt("network/loopback-of-the-host-by-zero")
def _():
    return reached(("0.0.0.0", facts.tcp))


@attempt("network/loopback-of-the-host-datagrams")
def _():
    return reached(("127.0.0.1", facts.udp), socket.SOCK_DGRAM)


@attempt("network/the-brokers-keys-for-verifiers")
def _():
    return reached(("127.0.0.1", facts.issuer))


@attempt("network/the-origin-without-the-proxy")
def _():
    return reached(("127.0.0.1", facts.origin))


@attempt("network/far", control="own")
def _():
    return reached((FAR, 80))


@attempt("network/far-datagrams", control="own")
def _():
    return reached((FAR, 53), socket.SOCK_DGRAM)


@attempt("network/far-version-6", control="own")
def _():
    return reached((FAR6, 80), family=socket.AF_INET6)


@attempt("network/far-fast-open", control="own")
def _():
    # MSG_FASTOPEN: data with the first packet, without connect(2).
    with socket.socket() as connection:
        connection.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, (FAR, 80))
        got = connection.recv(64)
    if not got:
        raise Held("hung up")
    return got[:20]


@attempt("network/far-multipath", control="own")
def _():
    # IPPROTO_MPTCP, a family's other protocol
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as connection:
        connection.settimeout(5)
        connection.connect((FAR, 80))
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(20)


@attempt("network/metadata", control="own")
def _():
    return reached((METADATA, 80))


@attempt("network/neighbours", control="own")
def _():
    last = None
    for address in NEIGHBOURS:
        try:
            return reached((address, 80))
        except OSError as error:
            last = error
    raise last


@attempt("network/broadcast", control="own")
def _():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return connection.sendto(b"x", ("192.0.2.255", 9))


@attempt("network/names-by-the-resolver", control="own")
def _():
    return socket.getaddrinfo("escape.example", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4]


@attempt("network/names-by-a-server-of-its-choice", control="own")
def _():
    # RFC 1035 section 4.1: a question for A of `x.test`
    question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x01x\x04test\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(5)
        connection.sendto(question, (FAR, 53))
        return connection.recv(512)[:2]


@attempt("network/echo-asked-for", control="own")
def _():
    # A socket for ping alone, which needs no right where the group is let.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as connection:
        connection.settimeout(5)
        connection.sendto(struct.pack("BBHHH", 8, 0, 0, 1, 1), (FAR, 0))
        return connection.recv(64)[:1]


@attempt("network/interface-added", control="own", root="own")
def _():
    import subprocess

    for kind in ("dummy", "veth", "bridge", "ifb", "vcan"):
        made = subprocess.run(["ip", "link", "add", "escape0", "type", kind], capture_output=True)
        if made.returncode == 0:
            return kind
    raise Held(made.stderr[:100])


@attempt("network/route-added", control="own", root="own")
def _():
    import subprocess

    made = subprocess.run(["ip", "route", "add", "198.51.100.0/24", "dev", "lo"], capture_output=True)
    if made.returncode != 0:
        raise Held(made.stderr[:100])
    return "added"


@attempt("network/interfaces-of-the-host")
def _():
    found = {name for _, name in socket.if_nameindex()} | set(os.listdir("/sys/class/net"))
    if found == {"lo"}:
        raise Held("only its own loopback")
    return found


@attempt("network/in-the-proxys-place", control="own")
def _():
    # The listener was handed out and closed: nobody inside answers to others in the broker's place.
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 3128))
        listener.listen()
    return "bound"


@attempt("network/in-the-proxys-place-for-all", control="own")
def _():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("0.0.0.0", 3128))
        listener.listen()
    return "bound"
