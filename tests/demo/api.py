"""A small HTTPS API, as a resource server would write it.

It knows nothing of the broker but its issuer: it finds the keys through the metadata of RFC 8414 and
verifies access tokens of the RFC 9068 profile with PyJWT, a library of another language than the
broker's.

`GET /builds` wants an API key instead, the one in the file KEY, and sends back the key that it got: what an
agent must never see is then on its way to it.

usage: api.py PORT CERTIFICATE KEY-OF-CERTIFICATE ISSUER AUDIENCE KEY
"""

import http.server
import json
import ssl
import sys
import urllib.request

import jwt

PORT, CERTIFICATE, CERTIFICATE_KEY, ISSUER, AUDIENCE, KEY = sys.argv[1:]
METADATA = json.load(urllib.request.urlopen(f"{ISSUER}/.well-known/oauth-authorization-server"))
KEYS = jwt.PyJWKClient(METADATA["jwks_uri"], cache_keys=True)
NEEDED = {"GET": "api:read", "POST": "api:write", "DELETE": "api:delete"}


def verified(header):
    """The claims of the bearer token, or an exception that says what is wrong with it."""
    scheme, _, token = (header or "").partition(" ")
    if scheme != "Bearer":
        raise jwt.InvalidTokenError("no bearer token")
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return jwt.decode(
        token,
        KEYS.get_signing_key_from_jwt(token).key,
        algorithms=["EdDSA", "ES256"],
        issuer=METADATA["issuer"],
        audience=AUDIENCE,
        options={"require": ["exp", "iat", "jti", "sub", "client_id", "aud", "iss"]},
    )


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/builds":
            return self.builds()
        try:
            claims = verified(self.headers.get("authorization"))
        except jwt.PyJWTError as error:
            return self.reply(401, {"error": "invalid_token", "why": str(error)})
        if NEEDED[self.command] not in claims["scope"].split():
            return self.reply(403, {"error": "insufficient_scope"})
        self.reply(200, {"hello": claims["sub"], "agent": claims["client_id"], "scope": claims["scope"]})

    def builds(self):
        key = self.headers.get("x-api-key") or ""
        if key != open(KEY).read():
            return self.reply(401, {"error": "invalid_key"})
        self.reply(200, {"build": "started", "key_was": key})

    do_GET = do_POST = do_DELETE = answer

    def reply(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler) as server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE_KEY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()
