"""An agent that holds on to its network in every way there is, and says how each of them ended.

usage: python3 holder.py PORTS HOST TUNNELLED      in a room; PORTS: JSON, a port for each way

Opens a connection that stays idle after one answer, an upload and a download that go on and on, events that
stop coming, a WebSocket, HTTP/2 with three streams, and a tunnel to a host that is not looked into. Says its
session and waits for a line. After `now` it looks without waiting for anything: a connection that has not
ended by then is `open`. After any other line it waits for the end of each.
"""

import json
import os
import socket
import ssl
import sys
import threading

import h2.connection
import h2.events
from websockets.sync.client import connect as websocket

PORTS = json.loads(sys.argv[1])
held = {}


def tunnel(way, host):
    connection = socket.create_connection(("127.0.0.1", 3128), 60)
    authority = f"{host}:{PORTS[way]}"
    connection.sendall(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert b" 200 " in head, head
    keep(way, connection)
    return connection


def keep(way, connection):
    held[way] = socket.socket(fileno=os.dup(connection.fileno()))


def secure(way, protocol="http/1.1"):
    trust = ssl.create_default_context()
    trust.set_alpn_protocols([protocol])
    connection = trust.wrap_socket(tunnel(way, sys.argv[2]), server_hostname=sys.argv[2])
    connection.settimeout(60)
    return connection


def request(way, head):
    connection = secure(way)
    connection.sendall(f"{head} HTTP/1.1\r\nhost: {sys.argv[2]}:{PORTS[way]}\r\n".encode())
    return connection


def until(connection, wanted):
    seen = b""
    while wanted not in seen:
        read = connection.recv(65536)
        assert read, seen
        seen += read


def again(act):
    """In the background until it fails."""

    def work():
        try:
            while act():
                pass
        except OSError:
            pass

    threading.Thread(target=work, daemon=True).start()


def idle():
    connection = request("idle", "GET /echo")
    connection.sendall(b"\r\n")
    until(connection, b"/echo")
    return connection


def upload():
    connection = request("upload", "POST /count")
    connection.sendall(b"transfer-encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    for _ in range(100):
        connection.sendall(piece)
    again(lambda: connection.sendall(piece) is None)
    return connection


def download():
    connection = request("download", f"GET /size?{1 << 50}")
    connection.sendall(b"\r\n")
    until(connection, bytes(1000))
    again(lambda: connection.recv(65536))
    return connection


def events():
    connection = request("events", "GET /events")
    connection.sendall(b"\r\n")
    until(connection, b"data: 0 ")
    return connection


def talk():
    talking = websocket(f"wss://{sys.argv[2]}:{PORTS['talk']}/")
    talking.send("first")
    talking.recv(timeout=60)
    keep("talk", talking.socket)
    return talking


def streams():
    connection = secure("streams", "h2")
    state = h2.connection.H2Connection()
    state.initiate_connection()
    for stream in (1, 3, 5):
        names = {":method": "GET", ":scheme": "https", ":path": "/forever"}
        names[":authority"] = f"{sys.argv[2]}:{PORTS['streams']}"
        state.send_headers(stream, list(names.items()), end_stream=True)
        # One after the other, so that the proxy has a connection for the first one when the others come.
        begun = False
        while not begun:
            connection.sendall(state.data_to_send())
            events = state.receive_data(connection.recv(65536))
            begun = any(isinstance(event, h2.events.DataReceived) for event in events)
    return connection


def through():
    connection = tunnel("through", sys.argv[3])
    # TLS to nobody: bytes that the host reads.
    connection.sendall(b"\x16\x03\x01\x02\x00")
    return connection


def look(connection, patience):
    connection.settimeout(patience)
    try:
        while connection.recv(65536):
            pass
    except (BlockingIOError, TimeoutError):
        return "open"
    except ConnectionError:
        pass
    return "ended"


kept = [idle(), upload(), download(), events(), talk(), streams(), through()]
print(os.environ["VALETKEY_SESSION"], flush=True)
patience = 0 if sys.stdin.readline() == "now\n" else 30
print(json.dumps({way: look(connection, patience) for way, connection in held.items()}), flush=True)
os._exit(0)
