"""A host that takes tokens of the broker's, as a resource server does: PyJWT says which ones.

usage: verifier.py SEEN CERT KEY ISSUER      ISSUER: a file with the issuer, written before the first request

Answers with when the token was made.
"""

import functools
import json
import sys
import urllib.request

import jwt
import origin

tokens = set()


@functools.cache
def issuer():
    with open(sys.argv[4]) as file:
        metadata = json.load(urllib.request.urlopen(f"{file.read()}/.well-known/oauth-authorization-server"))
    return metadata["issuer"], jwt.PyJWKClient(metadata["jwks_uri"], cache_keys=True)


class Handler(origin.Handler):
    def answer(self):
        name, keys = issuer()
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token).key,
                algorithms=["EdDSA", "ES256"],
                issuer=name,
                audience=f"https://{self.headers['host']}",
                options={"require": ["exp", "iat", "jti", "aud", "iss"]},
            )
        except jwt.PyJWTError as error:
            return self.reply(401, {"error": str(error)})
        if claims["jti"] not in tokens:
            tokens.add(claims["jti"])
            origin.note(path=self.path, iat=claims["iat"], exp=claims["exp"], connection=self.client_address[1])
        self.reply(200, {"begun": claims["iat"]})


origin.serve(Handler)
