"""An origin of HTTP/2 that writes down what it was sent, and sends it back.

usage: http2.py SEEN CERT KEY

/forever    begins, and does not end
"""

import asyncio
import json
import socket
import sys

import origin
from hypercorn.asyncio import serve
from hypercorn.config import Config


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {"version": scope["http_version"], "method": scope["method"], "path": scope["path"], "headers": headers}
    origin.note(**seen, length=len(body))
    answered = [(b"x-echo", headers.get("authorization", "nothing").encode())]
    await send({"type": "http.response.start", "status": 200, "headers": answered})
    if scope["path"] == "/forever":
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


listener = socket.create_server(("127.0.0.1", 0))
config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.certfile, config.keyfile = sys.argv[2:4]
config.accesslog = config.errorlog = None
print(listener.getsockname()[1], flush=True)
asyncio.run(serve(app, config))
