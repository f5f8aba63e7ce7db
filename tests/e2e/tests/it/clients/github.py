"""GitHub Enterprise Server for one user: who it is, and the pull requests of a repository.
A token may follow either of two words, as there.

usage: github.py SEEN CERT KEY TOKEN
"""

import json
import sys

import origin

PULL = {
    "number": 7,
    "title": "Pad it",
    "state": "OPEN",
    "url": "https://github.test/acme/app/pull/7",
    "headRefName": "pad",
    "headRepositoryOwner": {"id": "1", "login": "acme"},
    "isCrossRepository": False,
    "isDraft": False,
    "createdAt": "2026-01-01T00:00:00Z",
}


class Handler(origin.Handler):
    def answer(self):
        body = b"".join(self.pieces())
        origin.note(**self.sent(), body=body.decode())
        given = self.headers.get("authorization", "")
        if given not in (f"token {sys.argv[4]}", f"Bearer {sys.argv[4]}"):
            return self.reply(401, {"message": f"Bad credentials: {given}"})
        if self.path == "/api/v3/user":
            return self.reply(200, {"login": "octocat", "bio": given})
        if self.path == "/api/graphql":
            asked = json.loads(body)["variables"]
            pulls = {"totalCount": 1, "nodes": [PULL], "pageInfo": {"hasNextPage": False, "endCursor": ""}}
            known = (asked["owner"], asked["repo"]) == ("acme", "app")
            return self.reply(200, {"data": {"repository": {"pullRequests": pulls} if known else None}})
        self.reply(404, {"message": "Not Found"})


origin.serve(Handler)
