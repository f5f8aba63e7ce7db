"""A webhook receiver as a team would write one: Standard Webhooks, with nothing but Python's own library.

usage: webhook.py SECRET SUBJECT ANSWER      SECRET as `whsec_…`

Verifies what it is sent, says 202 the first time and then gives ANSWER as SUBJECT of the asker's own
provider, signed. With ANSWER `forged` the signature is made with another secret.
"""

import base64
import hashlib
import hmac
import http.server
import json
import sys
import time

SECRET, SUBJECT, ANSWER = sys.argv[1:]
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
seen = set()


def sign(key, message, stamp, body):
    tag = hmac.new(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(tag).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        message, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        expected = sign(KEY, message, stamp, body)
        if not hmac.compare_digest(expected, self.headers["webhook-signature"]):
            return self.reply(401, b"")
        if message not in seen:
            seen.add(message)
            return self.reply(202, b"", {"retry-after": "1"})
        question = json.loads(body)
        answer = {
            "type": "approval.answered",
            "approval": question["approval"],
            "digest": question["digest"],
            "nonce": question["nonce"],
            "answer": "once" if ANSWER == "forged" else ANSWER,
            "by": {"issuer": question["user"]["issuer"], "subject": SUBJECT, "groups": ["valetkey-admins"]},
        }
        body = json.dumps(answer).encode()
        message, stamp = f"answer-{question['approval']}", str(int(time.time()))
        key = b"another secret, of 32 bytes...." if ANSWER == "forged" else KEY
        headers = {
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(key, message, stamp, body),
        }
        self.reply(200, body, headers)

    def reply(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
