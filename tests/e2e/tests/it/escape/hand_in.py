"""Hands a listener of its own in, as the launcher of a room does with the room's.

usage: python3 hand_in.py RUNTIME SESSION...

For each SESSION one line: what the broker answered. `new` is a session that this script starts for a room
which nobody makes: it says `new ID` first. It then keeps what was taken in until its input ends.
"""

import array
import ctypes
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import h2  # noqa: E402

RUNTIME = sys.argv[1]
KEPT = []


def started():
    """`StartSession` by hand: account 1, agent 2, an empty sandbox 7."""
    message = b"\x0a\x07default\x12\x05coder\x3a\x00"
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/valetkey.developer.v1.Developer/StartSession"),
        (b":authority", b"valetkey"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(RUNTIME + "/control.sock")
    connection.sendall(h2.request(headers, b"\0" + len(message).to_bytes(4, "big") + message))
    return re.search(rb"[0-9a-f]{32}", h2.answer(connection))[0].decode()


def sandbox():
    """A process in a user and a PID namespace of its own, for as long as this script runs."""
    told, tells = os.pipe()
    ends, lives = os.pipe()
    if os.fork() == 0:
        os.close(lives)
        ctypes.CDLL(None).unshare(0x10000000 | 0x20000000)
        inside = os.fork()
        if inside:
            os.write(tells, str(inside).encode())
        else:
            os.close(1)
            os.read(ends, 1)
        os._exit(0)
    KEPT.append(lives)
    return int(os.read(told, 16))


def handed_in(session):
    listener = socket.create_server(("127.0.0.1", 0))
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(10)
    stream.connect(RUNTIME + "/room.sock")
    line = f'{{"session":"{session}","sandbox":{sandbox()}}}\n'.encode()
    rights = array.array("i", [listener.fileno()])
    stream.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    KEPT.append((listener, stream))
    return stream.makefile().readline().strip()


for session in sys.argv[2:]:
    if session == "new":
        session = started()
        print("new", session, flush=True)
    print(handed_in(session), flush=True)
sys.stdin.read()
