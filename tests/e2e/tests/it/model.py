"""A server that speaks OpenAI's chat completions, as far as a reviewer uses them.

usage: model.py KEY RISK      approves whatever it is asked, at RISK, for whoever has KEY
"""

import http.server
import json
import sys

KEY, RISK = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v1/chat/completions" or self.headers["authorization"] != f"Bearer {KEY}":
            return self.reply(401, {"error": "no"})
        # One message of the broker's own, and one JSON object: whatever an agent said is inside it.
        system, case = asked["messages"]
        assert system["role"] == "system" and asked["response_format"]["type"] == "json_schema"
        assert json.loads(case["content"])["untrusted_agent_words"] is not None
        opinion = {"verdict": "approve", "risk": RISK, "rationale": "a model said so"}
        message = {"role": "assistant", "content": json.dumps(opinion)}
        self.reply(200, {"model": "tiny-1", "choices": [{"index": 0, "message": message}]})

    def reply(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
