"""Who is outside of the rooms: a process of the developer's, sockets that greet, an origin, and a proxy
that has no guards.

usage: python3 outside.py FOLDER RUNTIME VALUE

Says in its first line, as JSON, where all of them are. VALUE is what the broker puts into requests to the
origin; the proxy without guards puts it there too.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import h2  # noqa: E402

FOLDER, RUNTIME, VALUE = sys.argv[1:4]
#: What a placeholder looks like.
PLACEHOLDER = re.compile(rb"sk-[A-Za-z0-9_-]{32}")
NAMES = ["origin.test", "held.test", "plain.test", "forbidden.test", "unasked.test"]


def spawn(run, *arguments):
    threading.Thread(target=run, args=arguments, daemon=True).start()


def greeting(family, address):
    listener = socket.socket(family)
    if family != socket.AF_UNIX:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(64)

    def greet():
        while True:
            connection, _ = listener.accept()
            # One that stays open until its client has read.
            connection.sendall(b"hello from outside\n")
            spawn(lambda held=connection: held.recv(4096) and None)

    spawn(greet)
    return listener.getsockname()


def echoing_datagrams(family, address):
    listener = socket.socket(family, socket.SOCK_DGRAM)
    listener.bind(address)

    def echo():
        while True:
            words, sender = listener.recvfrom(4096)
            if sender:
                listener.sendto(b"hello from outside\n", sender)

    spawn(echo)
    return listener.getsockname()


def relay(name, path):
    """A socket with a path under a name that no file system has, as some desktops offer the bus."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0" + name)
    listener.listen(16)

    def accept():
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            spawn(pump, near, far)
            spawn(pump, far, near)

    spawn(accept)


def pump(source, sink):
    try:
        while read := source.recv(65536):
            sink.sendall(read)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def head_of(connection, kept=b""):
    while b"\r\n\r\n" not in kept:
        read = connection.recv(65536)
        if not read:
            return None, kept
        kept += read
    head, _, rest = kept.partition(b"\r\n\r\n")
    return head, rest


# The origin. It reads requests as the oldest servers did: a length wins over a coding, and whatever follows
# is another request.


def serve(connection):
    try:
        if isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2":
            return serve_h2(connection)
        kept = b""
        while True:
            head, kept = head_of(connection, kept)
            if head is None:
                return
            lines = head.split(b"\r\n")
            method, target, _ = lines[0].split(b" ", 2)
            headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines[1:] if b":" in line]
            fields = {name.lower(): value for name, value in headers}
            if b"content-length" in fields:
                length = int(fields[b"content-length"])
                while len(kept) < length:
                    kept += connection.recv(65536)
                body, kept = kept[:length], kept[length:]
            elif b"transfer-encoding" in fields:
                body, kept = chunked(connection, kept)
            else:
                body = b""
            connection.sendall(reply(method, target.decode("latin1"), head, fields, body))
    except (OSError, ValueError):
        pass
    finally:
        connection.close()


def chunked(connection, kept):
    body = b""
    while True:
        while b"\r\n" not in kept:
            kept += connection.recv(65536)
        size, _, kept = kept.partition(b"\r\n")
        size = int(size.split(b";")[0], 16)
        while len(kept) < size + 2:
            kept += connection.recv(65536)
        body, kept = body + kept[:size], kept[size + 2 :]
        if size == 0:
            return body, kept


SEEN = []


def reply(method, target, head, fields, body):
    parts = urllib.parse.urlsplit(target)
    asked = urllib.parse.parse_qs(parts.query)
    whole = head + b"\n" + body
    arrived = b"yes" if VALUE.encode() in whole else b"no"
    came = fields.get(b"authorization", b"")
    extra = [b"x-arrived: " + arrived]
    status = b"200 OK"
    SEEN.append(parts.path)
    answer = b"reached " + method + b" " + fields.get(b"host", b"") + b" arrived:" + arrived
    match parts.path:
        case "/seen":
            answer = json.dumps(SEEN).encode()
        case "/echo":
            answer = b"you said " + whole
        case "/gzip":
            extra.append(b"content-encoding: gzip")
            answer = gzip.compress(b"you said " + whole)
        case "/base64":
            answer = base64.b64encode(came)
        case "/value-base64":
            answer = base64.b64encode(came.split(b" ")[-1])
        case "/url":
            answer = urllib.parse.quote(came).encode()
        case "/json":
            answer = json.dumps({"said": whole.decode("latin1")}).encode()
        case "/header":
            extra.append(b"x-said: " + came)
        case "/cookie":
            extra.append(b"set-cookie: said=" + came.replace(b" ", b"_"))
        case "/reason":
            status = b"200 " + came
        case "/error":
            status = b"500 Internal Server Error"
            answer = b"cannot use " + came
        case "/location":
            status = b"302 Found"
            extra.append(b"location: http://plain.test/?" + came.replace(b" ", b"+"))
        case "/redirect":
            status = b"302 Found"
            extra.append(b"location: " + asked["to"][0].encode())
        case "/pieces":
            pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in whole)
            return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + pieces + b"0\r\nx-last: " + came + b"\r\n\r\n"
    if method == b"TRACE":
        answer = whole
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"content-length: %d" % len(answer), *extra])
    return head + b"\r\n\r\n" + answer


def serve_h2(connection):
    preface = b""
    while len(preface) < len(h2.PREFACE):
        preface += connection.recv(len(h2.PREFACE) - len(preface))
    for kind, flags, _ in h2.frames(connection):
        if kind == h2.SETTINGS and not flags & 1:
            connection.sendall(h2.frame(h2.SETTINGS, 0, 0, b"") + h2.frame(h2.SETTINGS, 1, 0, b""))
        if kind in (h2.HEADERS, h2.DATA) and flags & 1:
            # `:status` 200 is entry 8 of the static table.
            connection.sendall(h2.frame(h2.HEADERS, 4, 1, b"\x88") + h2.frame(h2.DATA, 1, 1, b"reached over h2"))


def origin(context=None):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def one(connection):
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
        except OSError:
            return connection.close()
        serve(connection)

    def accept():
        while True:
            spawn(one, listener.accept()[0])

    spawn(accept)
    return listener.getsockname()[1]


def certified():
    """A certificate for every name, of an authority that the broker is told to trust."""
    names = ",".join("DNS:" + name for name in NAMES)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=FOLDER, capture_output=True)

    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=escape", "-days", "2")
    openssl(
        "req", "-x509", *ec, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "leaf.key", "-out", "leaf.pem",
        "-subj", "/CN=leaf", "-days", "2", "-addext", "subjectAltName=" + names,
        "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER + "/leaf.pem", FOLDER + "/leaf.key")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


# The proxy without guards: it goes wherever it is told by whoever asks first, in whatever notation, puts the
# value in, and knows nothing of sessions.


def naive(near, anywhere):
    try:
        head, rest = head_of(near)
        if head is None:
            return
        lines = head.split(b"\r\n")
        method, target, _ = lines[0].decode("latin1").split(" ", 2)
        if method == "CONNECT":
            far = socket.create_connection(where(target, None, anywhere))
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            far.sendall(rest)
        else:
            url = urllib.parse.urlsplit(target if "://" in target else "http://" + host_of(lines) + target)
            far = socket.create_connection(where(url.netloc, 80, anywhere))
            path = url.path + ("?" + url.query if url.query else "")
            lines[0] = f"{method} {path or '/'} HTTP/1.1".encode()
            if url.hostname == "origin.test":
                lines = [line for line in lines if not line.lower().startswith(b"authorization:")]
                lines.append(b"authorization: Bearer " + VALUE.encode())
            whole = b"\r\n".join(lines) + b"\r\n\r\n" + rest
            far.sendall(PLACEHOLDER.sub(VALUE.encode(), whole))
        spawn(pump, far, near)
        pump(near, far)
    except (OSError, ValueError):
        near.close()


def host_of(lines):
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"host":
            return value.strip().decode()
    return ""


def where(authority, port, anywhere):
    host, _, given = authority.rpartition("@")[2].rpartition(":")
    if not host or given.endswith("]"):
        host, given = authority.rpartition("@")[2], port
    host = host.strip("[]")
    try:
        host = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        pass
    if host.rstrip(".").lower() in NAMES or host.startswith("127."):
        return ("127.0.0.1", int(given or port))
    if host in ("::1", "localhost", "0.0.0.0", "::ffff:127.0.0.1", "::", "loop.test"):
        return ("127.0.0.1", int(given or port))
    # A stand-in for all that is private, at clouds and in companies.
    return anywhere


def guardless(anywhere):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept():
        while True:
            spawn(naive, listener.accept()[0], anywhere)

    spawn(accept)
    return listener.getsockname()[1]


def main():
    own = f"vk-escape-{os.getpid()}"
    os.makedirs(RUNTIME + "/gnupg", exist_ok=True)
    x11 = f"{FOLDER}/X11-unix-X7"
    for path in ("beside.sock", "agent.7", "X11-unix-X7"):
        greeting(socket.AF_UNIX, f"{FOLDER}/{path}")
    host_socket = f"/tmp/{own}.sock"
    greeting(socket.AF_UNIX, host_socket)
    for path in ("wayland-0", "pipewire-0", "gnupg/S.gpg-agent"):
        greeting(socket.AF_UNIX, f"{RUNTIME}/{path}")
    greeting(socket.AF_UNIX, "\0" + own)
    greeting(socket.AF_UNIX, "\0" + x11)
    echoing_datagrams(socket.AF_UNIX, "\0" + own + "-datagrams")
    relay(own + "-bus", RUNTIME + "/bus")
    plain = origin()
    facts = {
        "bystander": os.getpid(),
        "host_socket": host_socket,
        "abstract": own,
        "relay": own + "-bus",
        "ssh_agent": FOLDER + "/agent.7",
        "x11": x11,
        "tcp": greeting(socket.AF_INET, ("127.0.0.1", 0))[1],
        "tcp_all": greeting(socket.AF_INET, ("0.0.0.0", 0))[1],
        "tcp6": greeting(socket.AF_INET6, ("::1", 0))[1],
        "udp": echoing_datagrams(socket.AF_INET, ("127.0.0.1", 0))[1],
        "origin": plain,
        "closed": origin(),
        "origin_tls": origin(certified()),
        "naive": guardless(("127.0.0.1", plain)),
        "authority": FOLDER + "/ca.pem",
        "value_sha256": hashlib.sha256(VALUE.encode()).hexdigest(),
    }
    print(json.dumps(facts), flush=True)
    # Ends with whoever started it.
    sys.stdin.read()
    os.unlink(host_socket)


main()
