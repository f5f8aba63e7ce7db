"""A server in the shape of OpenAI's, for one key.

usage: openai_api.py SEEN CERT KEY API_KEY
"""

import json
import sys

import origin

WORDS = ["one", " word", " at", " a", " time"]


class Handler(origin.Handler):
    def answer(self):
        body = b"".join(self.pieces())
        origin.note(**self.sent(), body=body.decode())
        given = self.headers.get("authorization")
        if given != f"Bearer {sys.argv[4]}":
            # As theirs does: with a piece of what it was given.
            return self.reply(401, {"error": {"message": f"Incorrect API key provided: {given}", "code": "invalid_api_key"}})
        if self.path == "/v1/models":
            return self.reply(200, {"object": "list", "data": [{"id": "small", "object": "model", "created": 0, "owned_by": given}]})
        asked = json.loads(body)
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "".join(WORDS) + f" for {given}"}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            return self.reply(200, self.completion("chat.completion", choice))
        self.chunked({"content-type": "text/event-stream"})
        for word in WORDS:
            choice = {"index": 0, "finish_reason": None, "delta": {"content": word}}
            event = json.dumps(self.completion("chat.completion.chunk", choice))
            self.chunk(f"data: {event}\n\n".encode())
        self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def completion(kind, choice):
        return {"id": "c", "object": kind, "created": 0, "model": "small", "choices": [choice]}


origin.serve(Handler)
