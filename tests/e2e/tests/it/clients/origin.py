"""An origin that writes down what it was sent, and sends all of it back.

usage: origin.py SEEN [CERT KEY]      SEEN: a file for one line of JSON per request; with CERT, over TLS

/echo       what was sent, as JSON, with its authorization once more in a header
/gzip       the same, compressed whatever the client takes
/split      the same, a byte in each chunk
/away       a redirect that names what was sent
/bad        the same as /echo, as an error
/events     server-sent events: each but the first is sent when the client has asked for /next?N
/size?N     N bytes
/count      takes a body and says how long it was

`Handler` and `serve` are for the other origins beside this one.
"""

import gzip
import http.server
import json
import os
import ssl
import sys
import threading

SEEN = sys.argv[1] if len(sys.argv) > 1 else os.devnull
turns = threading.Condition()
turn = 0


def note(**seen):
    with open(SEEN, "a") as file:
        file.write(json.dumps(seen) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pieces(self):
        """The body, as it comes."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        left = int(self.headers.get("content-length") or 0)
        while left:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece:
                return
            left -= len(piece)
            yield piece

    def sent(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        return {"method": self.command, "path": self.path, "headers": headers}

    def reply(self, status, body, headers={}):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def chunked(self, headers={}):
        self.send_response(200)
        for name, value in {**headers, "transfer-encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self):
        path, _, query = self.path.partition("?")
        if path == "/count":
            length = sum(len(piece) for piece in self.pieces())
            note(**self.sent(), length=length)
            return self.reply(200, {"length": length})
        body = b"".join(self.pieces()).decode("latin1")
        sent = {**self.sent(), "body": body}
        note(**sent)
        text = json.dumps(sent).encode()
        if path == "/gzip":
            return self.reply(200, gzip.compress(text), {"content-encoding": "gzip"})
        if path == "/split":
            self.chunked()
            for byte in text:
                self.chunk(bytes([byte]))
            return self.wfile.write(b"0\r\n\r\n")
        if path == "/away":
            return self.reply(302, b"", {"location": "/echo?" + self.headers.get("authorization", "").replace(" ", "+")})
        if path == "/size":
            self.chunked()
            for _ in range(int(query) >> 16):
                self.chunk(bytes(1 << 16))
            return self.wfile.write(b"0\r\n\r\n")
        if path == "/events":
            return self.events()
        if path == "/next":
            return self.next(int(query))
        status = 403 if path == "/bad" else 200
        self.reply(status, text, {"x-echo": self.headers.get("authorization", "nothing")})

    def events(self):
        self.chunked({"content-type": "text/event-stream"})
        for number in range(5):
            with turns:
                turns.wait_for(lambda: turn >= number)
            self.chunk(f"data: {number} {self.headers.get('authorization')}\n\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def next(self, number):
        global turn
        with turns:
            turn = number
            turns.notify_all()
        self.reply(200, {})

    def do_GET(self):
        self.answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls = None

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            # The handshake is the thread's of the connection.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_):
        pass


def serve(handler, certificate=sys.argv[2:4]):
    with Server(("127.0.0.1", 0), handler) as server:
        if certificate:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(*certificate)
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(Handler)
