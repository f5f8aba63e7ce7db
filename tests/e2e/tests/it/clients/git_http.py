"""Git over HTTP: `git http-backend` behind Basic authentication, bodies streamed both ways.

usage: git_http.py SEEN CERT KEY FOLDER USER PASSWORD
"""

import base64
import os
import subprocess
import sys
import threading
import urllib.parse

import origin

FOLDER, USER, PASSWORD = sys.argv[4:]
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Handler(origin.Handler):
    def answer(self):
        given = self.headers.get("authorization")
        origin.note(**self.sent(), known=given == BASIC)
        if given != BASIC:
            for _ in self.pieces():
                pass
            return self.reply(401, b"", {"www-authenticate": 'Basic realm="git"'})
        url = urllib.parse.urlsplit(self.path)
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": FOLDER,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
        }
        if length := self.headers.get("content-length"):
            variables["CONTENT_LENGTH"] = length
        pipe = subprocess.PIPE
        with subprocess.Popen(["git", "http-backend"], env=variables, stdin=pipe, stdout=pipe) as backend:
            feeding = threading.Thread(target=self.feed, args=[backend.stdin])
            feeding.start()
            headers, status = {}, 200
            while line := backend.stdout.readline().decode().rstrip("\r\n"):
                name, _, value = line.partition(": ")
                if name.lower() == "status":
                    status = int(value.split()[0])
                else:
                    headers[name] = value
            self.send_response(status)
            for name, value in {**headers, "transfer-encoding": "chunked"}.items():
                self.send_header(name, value)
            self.end_headers()
            while piece := backend.stdout.read1(1 << 16):
                self.chunk(piece)
            self.wfile.write(b"0\r\n\r\n")
            feeding.join()

    def feed(self, stdin):
        try:
            for piece in self.pieces():
                stdin.write(piece)
            stdin.close()
        except BrokenPipeError:
            pass


origin.serve(Handler)
