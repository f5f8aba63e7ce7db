"""An agent that holds on to its session's socket in every way there is, and says how each of them ended.

usage: python3 -I holder.py     in a sandbox, with VALETKEY_SOCKET

Opens an HTTP connection that stays idle after one answer, a gRPC stream that watches the session, and
a token request that is not answered yet. Says `ready`, waits for a line, and then looks, without
waiting for anything: a connection that has not ended by then is `open`.
"""

import json
import os
import socket
import sys

PATH = os.environ["VALETKEY_SOCKET"]


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(PATH)
    return connection


def idle():
    connection = connect()
    connection.sendall(b"GET /v1/session HTTP/1.1\r\nhost: valetkey\r\n\r\n")
    answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return connection


def flight():
    body = b'{"credential":"demo-api","scopes":["api:read"]}'
    connection = connect()
    connection.sendall(
        b"POST /v1/token HTTP/1.1\r\nhost: valetkey\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
    return connection


def frame(kind, flags, stream, payload):
    """RFC 9113 section 4.1."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def literal(name, value):
    """RFC 7541 section 6.2.2, nothing indexed, nothing compressed."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def watch():
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/valetkey.agent.v1.Agent/WatchSession"),
        (b":authority", b"valetkey"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    connection = connect()
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(4, 0, 0, b"")
        + frame(1, 4, 1, b"".join(literal(*header) for header in headers))
        + frame(0, 1, 1, bytes(5))
    )
    seen = b""
    while b"active" not in seen:
        read = connection.recv(65536)
        assert read, seen
        seen += read
    return connection


def look(connection):
    """What came since, and whether that was all."""
    connection.setblocking(False)
    seen = b""
    try:
        while read := connection.recv(65536):
            seen += read
    except BlockingIOError:
        return "open", seen.decode(errors="replace")
    except ConnectionError:
        pass
    return "ended", seen.decode(errors="replace")


held = {"flight": flight(), "idle": idle(), "watch": watch()}
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps({name: look(connection) for name, connection in held.items()}), flush=True)
