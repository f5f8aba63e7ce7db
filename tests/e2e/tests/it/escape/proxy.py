"""By the proxy: where it must not go, what it must not be confused by, and values that must not come back.

On the desk the same bytes go to a proxy without guards (`outside.py`).
"""

import base64
import gzip
import hashlib
import json
import os
import re
import socket
import ssl

import h2
from harness import Held, Unseen, attempt, facts

#: Profiles with a network in which not everything is let through unasked.
ASKED = ["read-only", "workspace-write", "lab"]
#: Profiles with a network that sends more than what is safe.
SENDING = ["workspace-write", "open", "lab"]


def connected():
    connection = socket.create_connection(("127.0.0.1", facts.proxy), timeout=10)
    return connection


def all_of(connection):
    """Whatever comes until it has ended or is silent for a while after the first answer."""
    got = b""
    try:
        while read := connection.recv(65536):
            got += read
            if whole(got):
                break
    except ConnectionError:
        pass
    return got


def whole(got):
    head, found, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.I)
    if b"chunked" in head.lower():
        return b"\r\n\r\n" in body.partition(b"0\r\n")[2]
    return bool(found and length and len(body) >= int(length[1]))


def said(words):
    """What the proxy answers to these bytes."""
    with connected() as connection:
        connection.sendall(words if isinstance(words, bytes) else words.encode())
        return all_of(connection)


def status(got):
    found = re.match(rb"HTTP/1.1 (\d+)", got)
    return int(found[1]) if found else 0


def reached(got):
    if status(got) not in (200, 302) or b"valetkey-code" in got:
        raise Held(got.partition(b"\r\n\r\n")[0][:200] or "hung up")
    return got[-60:]


def get(url, host=None, headers="", method="GET"):
    host = host if host is not None else re.sub(r"^\w+://([^/]*).*", r"\1", url)
    return said(f"{method} {url} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n")


def at(name, path="/"):
    return f"http://{name}:{facts.origin}{path}"


def tunnel(authority, host=None):
    connection = connected()
    connection.sendall(f"CONNECT {authority} HTTP/1.1\r\nhost: {host or authority}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        read = connection.recv(4096)
        if not read:
            break
        got += read
    if status(got) != 200:
        raise Held(got[:200])
    return connection


def tls(connection, name, protocols=("http/1.1",)):
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(connection, server_hostname=name)


def inside(connection, words):
    connection.sendall(words.encode())
    return reached(all_of(connection))


# Where it does not go.


def refused_url(name, url, profiles=None):
    """`{}` is a port at which somebody listens on the host's loopback."""

    @attempt(name, profiles=profiles)
    def _():
        return reached(get(url.format(facts.closed)))


refused_url("address/metadata", "http://169.254.169.254/latest/meta-data/")
refused_url("address/metadata-in-hexadecimal", "http://0xa9fea9fe/latest/")
refused_url("address/metadata-as-one-number", "http://2852039166/latest/")
refused_url("address/metadata-in-octal", "http://0251.0376.0251.0376/latest/")
refused_url("address/metadata-in-hexadecimal-parts", "http://0xa9.0xfe.0xa9.0xfe/latest/")
refused_url("address/metadata-shortened", "http://169.254.43518/latest/")
refused_url("address/metadata-mapped", "http://[::ffff:169.254.169.254]/latest/")
refused_url("address/metadata-mapped-in-hexadecimal", "http://[::ffff:a9fe:a9fe]/latest/")
refused_url("address/metadata-translated", "http://[64:ff9b::a9fe:a9fe]/latest/")
refused_url("address/metadata-by-6to4", "http://[2002:a9fe:a9fe::]/latest/")
refused_url("address/metadata-version-6", "http://[fd00:ec2::254]/latest/")
refused_url("address/metadata-by-a-name", "http://metadata.test/latest/")
refused_url("address/metadata-by-a-name-with-a-dot", "http://metadata.test./latest/")
refused_url("address/loopback", "http://127.0.0.1:{}/")
refused_url("address/loopback-shortened", "http://127.1:{}/")
refused_url("address/loopback-in-octal", "http://0177.0.0.1:{}/")
refused_url("address/loopback-as-one-number", "http://2130706433:{}/")
refused_url("address/loopback-by-its-name", "http://localhost:{}/")
refused_url("address/loopback-by-another-name", "http://loop.test:{}/")
refused_url("address/loopback-elsewhere", "http://127.9.9.9:{}/")
refused_url("address/loopback-version-6", "http://[::1]:{}/")
refused_url("address/loopback-mapped", "http://[::ffff:127.0.0.1]:{}/")
refused_url("address/zero", "http://0.0.0.0:{}/")
refused_url("address/zero-version-6", "http://[::]:{}/")
refused_url("address/private", "http://10.0.0.1/")
refused_url("address/private-by-a-name", "http://private.test/")
refused_url("address/private-version-6", "http://[fd00::1]/")
refused_url("address/link-local", "http://169.254.1.1/")
refused_url("address/link-local-version-6", "http://[fe80::1]/")
refused_url("address/shared", "http://100.64.0.1/")
refused_url("address/broadcast", "http://255.255.255.255/")
refused_url("address/multicast", "http://224.0.0.1/")
refused_url("address/public-by-its-number", "http://8.8.8.8/")


@attempt("address/metadata-by-a-redirect")
def _():
    got = get(at("plain.test", "/redirect?to=http://169.254.169.254/latest/"))
    found = re.search(rb"location: *(\S+)", got, re.I)
    if not found:
        raise Held(got[:120])
    return reached(get(found[1].decode()))


@attempt("address/metadata-by-a-tunnel")
def _():
    return inside(tunnel("169.254.169.254:80"), "GET /latest/ HTTP/1.1\r\nhost: 169.254.169.254\r\n\r\n")


@attempt("address/metadata-by-a-tunnel-to-a-name")
def _():
    return inside(tunnel("metadata.test:80"), "GET /latest/ HTTP/1.1\r\nhost: metadata.test\r\n\r\n")


@attempt("address/loopback-by-a-tunnel")
def _():
    return inside(tunnel(f"127.0.0.1:{facts.closed}"), "GET / HTTP/1.1\r\nhost: x\r\n\r\n")


@attempt("address/the-brokers-own-port")
def _():
    return reached(get(f"http://127.0.0.1:{facts.issuer}/jwks.json") if facts.place.startswith("inside") else get(at("plain.test")))


@attempt("hosts/forbidden")
def _():
    return reached(get(at("forbidden.test")))


@attempt("hosts/forbidden-by-a-tunnel")
def _():
    return inside(tunnel(f"forbidden.test:{facts.origin}"), "GET / HTTP/1.1\r\nhost: forbidden.test\r\n\r\n")


@attempt("hosts/forbidden-in-capitals")
def _():
    return reached(get(at("FORBIDDEN.TEST")))


@attempt("hosts/forbidden-with-a-dot")
def _():
    return reached(get(at("forbidden.test.")))


@attempt("hosts/nobody-asked-about", profiles=ASKED)
def _():
    return reached(get(at("unasked.test")))


@attempt("hosts/mail")
def _():
    connection = tunnel("plain.test:25") if facts.place.startswith("inside") else tunnel(f"plain.test:{facts.origin}")
    return connection.close() or "a tunnel"


@attempt("hosts/changed-by-a-read-only-agent", profiles=["read-only"])
def _():
    return reached(said(f"POST {at('plain.test')} HTTP/1.1\r\nhost: plain.test:{facts.origin}\r\ncontent-length: 1\r\n\r\nx"))


@attempt("hosts/a-tunnel-unseen-by-a-read-only-agent", profiles=["read-only"])
def _():
    # What cannot be looked into cannot be seen to change nothing.
    authority = f"plain.test:{facts.origin}"
    words = f"POST / HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 1\r\n\r\nx"
    return inside(tunnel(authority), words)


@attempt("hosts/changed-inside-tls-by-a-read-only-agent", profiles=["read-only"])
def _():
    authority = f"plain.test:{facts.origin_tls}"
    words = f"POST / HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 1\r\n\r\nx"
    return inside(tls(tunnel(authority), "plain.test"), words)


# What it is not confused by. `origin.test` has a value put in; `plain.test` is reached unasked.


@attempt("confusion/tunnel-and-server-name")
def _():
    authority = f"plain.test:{facts.origin_tls}"
    return inside(tls(tunnel(authority), "forbidden.test"), "GET / HTTP/1.1\r\nhost: forbidden.test\r\n\r\n")


@attempt("confusion/tunnel-and-server-name-where-it-is-looked-into")
def _():
    authority = f"origin.test:{facts.origin_tls}"
    return inside(tls(tunnel(authority), "forbidden.test"), "GET / HTTP/1.1\r\nhost: forbidden.test\r\n\r\n")


@attempt("confusion/tunnel-and-host-inside")
def _():
    authority = f"origin.test:{facts.origin_tls}"
    return inside(tls(tunnel(authority), "origin.test"), "GET / HTTP/1.1\r\nhost: forbidden.test\r\n\r\n")


@attempt("confusion/tunnel-and-url-inside")
def _():
    authority = f"origin.test:{facts.origin_tls}"
    words = f"GET https://forbidden.test/ HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    return inside(tls(tunnel(authority), "origin.test"), words)


@attempt("confusion/tunnel-and-its-host")
def _():
    authority = f"plain.test:{facts.origin}"
    return inside(tunnel(authority, host=f"forbidden.test:{facts.origin}"), "GET / HTTP/1.1\r\nhost: x\r\n\r\n")


@attempt("confusion/authority-of-http2")
def _():
    authority = f"origin.test:{facts.origin_tls}"
    connection = tls(tunnel(authority), "origin.test", ["h2"])
    if connection.selected_alpn_protocol() != "h2":
        raise Held("no HTTP/2")
    headers = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"forbidden.test")]
    connection.sendall(h2.request(headers))
    got = h2.answer(connection)
    if b"reached" not in (got or b""):
        raise Held(got)
    return got


@attempt("confusion/authority-and-host-of-http2")
def _():
    authority = f"origin.test:{facts.origin_tls}"
    connection = tls(tunnel(authority), "origin.test", ["h2"])
    headers = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/")]
    headers += [(b":authority", authority.encode()), (b"host", b"forbidden.test")]
    connection.sendall(h2.request(headers))
    got = h2.answer(connection)
    if b"reached" not in (got or b""):
        raise Held(got)
    return got


@attempt("confusion/url-and-host")
def _():
    return reached(get(at("plain.test"), host="forbidden.test"))


@attempt("confusion/host-and-url")
def _():
    return reached(get(at("forbidden.test"), host=f"plain.test:{facts.origin}"))


@attempt("confusion/two-hosts")
def _():
    extra = "host: forbidden.test\r\n"
    return reached(get(at("plain.test"), headers=extra))


@attempt("confusion/hosts-in-one")
def _():
    return reached(get(at("plain.test"), host=f"plain.test:{facts.origin}, forbidden.test"))


@attempt("confusion/no-host")
def _():
    return reached(said(f"GET {at('plain.test')} HTTP/1.1\r\n\r\n"))


@attempt("confusion/path-and-host")
def _():
    return reached(said(f"GET / HTTP/1.1\r\nhost: plain.test:{facts.origin}\r\n\r\n"))


@attempt("confusion/a-user-in-the-url")
def _():
    return reached(get(f"http://plain.test@forbidden.test:{facts.origin}/", host=f"forbidden.test:{facts.origin}"))


@attempt("confusion/a-user-like-a-host")
def _():
    return reached(get(f"http://plain.test:{facts.origin}@forbidden.test:{facts.origin}/", host=f"plain.test:{facts.origin}"))


@attempt("confusion/a-user-in-a-tunnel")
def _():
    return inside(tunnel(f"plain.test@forbidden.test:{facts.origin}", host=f"plain.test:{facts.origin}"), "GET / HTTP/1.1\r\nhost: x\r\n\r\n")


@attempt("confusion/https-in-the-clear")
def _():
    # It would be put on the wire in the clear.
    return reached(get(f"https://plain.test:{facts.origin}/"))


@attempt("confusion/trace")
def _():
    return reached(get(at("origin.test"), method="TRACE"))


@attempt("confusion/another-protocol")
def _():
    return reached(get(at("plain.test"), headers="upgrade: h2c\r\n"))


# Requests in requests. The origin counts what it saw of them.


def smuggled(name, framing, body, profiles=SENDING):
    @attempt(name, profiles=profiles)
    def _():
        path = f"/smuggled/{facts.place}/{name.rpartition('/')[2]}"
        hidden = f"GET {path} HTTP/1.1\r\nhost: forbidden.test\r\n\r\n"
        size = f"{len(hidden):x}"
        words = body.replace("HIDDEN", hidden).replace("SIZE", size)
        framed = framing.replace("WHOLE", str(len(words))).replace("FIRST", str(len(size) + 2))
        with connected() as connection:
            head = f"POST {at('plain.test')} HTTP/1.1\r\nhost: plain.test:{facts.origin}\r\n{framed}\r\n\r\n"
            connection.sendall((head + words).encode())
            until_silent(connection)
        if path not in seen():
            raise Held("the origin saw no such request")
        return path


def until_silent(connection):
    """Longer than a second nothing takes here that is to come."""
    connection.settimeout(1)
    try:
        while connection.recv(65536):
            pass
    except (TimeoutError, ConnectionError):
        pass


def seen():
    """What the origin was asked for, by a way that is open."""
    got = get(at("plain.test", "/seen"))
    if status(got) != 200:
        raise Held(got[:120])
    return got.decode()


smuggled("smuggling/length-before-coding", "content-length: FIRST\r\ntransfer-encoding: chunked", "SIZE\r\nHIDDEN\r\n0\r\n\r\n")
smuggled("smuggling/coding-before-length", "transfer-encoding: chunked\r\ncontent-length: 5", "0\r\n\r\nHIDDEN")
smuggled("smuggling/two-lengths", "content-length: WHOLE\r\ncontent-length: 0", "HIDDEN")
smuggled("smuggling/length-with-a-sign", "content-length: +0", "HIDDEN")
smuggled("smuggling/coding-hidden-by-a-space", "transfer-encoding : chunked\r\ncontent-length: 5", "0\r\n\r\nHIDDEN")
smuggled("smuggling/coding-of-another-name", "transfer-encoding: xchunked\r\ncontent-length: 0", "HIDDEN")
smuggled("smuggling/two-codings", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\ncontent-length: 0", "HIDDEN")
smuggled("smuggling/a-second-request-behind-the-first", "content-length: 1", "xHIDDEN")
smuggled("smuggling/a-header-in-a-header", "x-a: b\r\n\x20c\r\ncontent-length: 0", "HIDDEN")


# Values that are put in must not come back.


def found(got):
    """Whether the value stands there, in one of the forms in which it would be of use."""
    head, _, body = got.partition(b"\r\n\r\n")
    if b"gzip" in head.lower():
        body = gzip.decompress(body)
    if b"chunked" in head.lower():
        body = re.sub(rb"\r\n", b"", re.sub(rb"(?:^|\r\n)[0-9a-fA-F]+\r\n", b"", body))
    texts = [head, body]
    for word in re.findall(rb"[A-Za-z0-9+/=_-]{24,}", body):
        try:
            texts.append(base64.b64decode(word))
        except ValueError:
            pass
    for text in texts:
        for word in re.findall(rb"canary-[0-9a-f]{20}", text):
            if hashlib.sha256(word).hexdigest() == facts.value_sha256:
                return word[:9]
    raise Held(got[:160])


for form in ("echo", "gzip", "base64", "value-base64", "url", "json", "header", "cookie", "reason", "error", "location", "pieces"):

    @attempt(f"secrets/comes-back-as-{form}")
    def _(form=form):
        return found(get(at("origin.test", "/" + form)))


@attempt("secrets/comes-back-by-trace")
def _():
    return found(get(at("origin.test"), method="TRACE"))


@attempt("secrets/in-the-environment-of-any-process")
def _():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return found(b"\r\n\r\n" + file.read())
        except (OSError, Held):
            pass
    raise Held("in none")


@attempt("secrets/in-the-arguments-of-any-process")
def _():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return found(b"\r\n\r\n" + file.read())
        except (OSError, Held):
            pass
    raise Held("in none")


# Placeholders. `facts.stolen` is another session's; its own is in the environment.


def arrived(got):
    if b"arrived:yes" not in got:
        raise Held(got[:160] or "hung up")
    return "the value itself"


def own():
    return os.environ.get("ESCAPE_API_KEY") or facts.stolen


@attempt("placeholder/of-another-session")
def _():
    return arrived(get(at("held.test"), headers=f"authorization: Bearer {facts.stolen}\r\n"))


@attempt("placeholder/of-another-session-inside-tls", root=Unseen("the proxy without guards looks into no TLS"), user=Unseen("the proxy without guards looks into no TLS"))
def _():
    authority = f"held.test:{facts.origin_tls}"
    connection = tls(tunnel(authority), "held.test")
    words = f"GET / HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {facts.stolen}\r\n\r\n"
    connection.sendall(words.encode())
    return arrived(all_of(connection))


@attempt("placeholder/to-another-host")
def _():
    return arrived(get(at("plain.test"), headers=f"authorization: Bearer {own()}\r\n"))


@attempt("placeholder/to-another-host-in-its-path")
def _():
    return arrived(get(at("plain.test", "/" + own())))


@attempt("placeholder/to-a-host-with-another-credential")
def _():
    # That one's value arrives there anyway, so this request must not.
    return reached(get(at("origin.test"), headers=f"x-key: {own()}\r\n"))


@attempt("placeholder/in-another-place")
def _():
    return arrived(get(at("held.test", "/?key=" + own())))


@attempt("placeholder/in-another-header")
def _():
    return arrived(get(at("held.test"), headers=f"x-other: {own()}\r\n"))


@attempt("placeholder/guessed")
def _():
    guess = "sk-" + "A" * 32
    return arrived(get(at("held.test"), headers=f"authorization: Bearer {guess}\r\n"))


# What must go on working.


NETWORK = ["read-only", "workspace-write", "open"]


@attempt("alive/proxy", alive=True, profiles=NETWORK)
def _():
    return reached(get(at("plain.test")))


@attempt("alive/value-put-in", alive=True, profiles=NETWORK)
def _():
    return arrived(get(at("origin.test")))


@attempt("alive/own-placeholder", alive=True, profiles=NETWORK)
def _():
    return arrived(get(at("held.test"), headers=f"authorization: Bearer {own()}\r\n"))


@attempt("alive/looked-into", alive=True, profiles=NETWORK)
def _():
    authority = f"origin.test:{facts.origin_tls}"
    got = inside(tls(tunnel(authority), "origin.test"), f"GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n")
    return arrived(got)


@attempt("alive/tunnel", alive=True, profiles=["workspace-write", "open"])
def _():
    authority = f"plain.test:{facts.origin_tls}"
    return inside(tls(tunnel(authority), "plain.test"), f"GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n")


@attempt("alive/http2", alive=True, profiles=NETWORK)
def _():
    authority = f"origin.test:{facts.origin_tls}"
    connection = tls(tunnel(authority), "origin.test", ["h2"])
    headers = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", authority.encode())]
    connection.sendall(h2.request(headers))
    return h2.answer(connection) or arrived(b"")


@attempt("alive/smuggling-would-be-seen", alive=True, profiles=["workspace-write", "open"])
def _():
    return json.loads(get(at("plain.test", "/seen")).partition(b"\r\n\r\n")[2])[:1]
