"""A WebSocket server that writes down the head and the first message, and sends back what it gets.

usage: websocket.py SEEN CERT KEY
"""

import contextlib
import ssl
import sys

import origin
from websockets.exceptions import ConnectionClosedError
from websockets.sync.server import serve


def talk(socket):
    headers = {name.lower(): value for name, value in socket.request.headers.raw_items()}
    first = socket.recv()
    origin.note(path=socket.request.path, headers=headers, first=first)
    socket.send(f"{headers.get('authorization')} {first}")
    with contextlib.suppress(ConnectionClosedError):
        for message in socket:
            socket.send(message)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(*sys.argv[2:4])
with serve(talk, "127.0.0.1", 0, ssl=tls) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
