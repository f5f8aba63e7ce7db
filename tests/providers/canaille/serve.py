"""canaille, a second OpenID provider that is not ours, in one process, with a fresh database.

usage: target/venv/bin/python serve.py DIR PORT REDIRECT_URI    (`start` beside this file does the rest)

Says `ready ISSUER` when it listens. Everybody's password is their name and `password`:
alice / alicepassword. What canaille does differently from others:
- redirect URIs are compared exactly, port included, hence the argument;
- there is no device flow;
- revocation and introspection want client_secret_basic, so a public client cannot revoke;
- a refresh brings no ID token, and a second refresh in the same second fails with HTTP 500, for the
  access token, a JWT, comes out the same and must be unique;
- a used refresh token is refused, but the family lives on;
- `auth_time` has a fraction; access tokens live ten days;
- no environment variable may be called CANAILLE: it would be read as a section of the configuration.
"""

import asyncio
import secrets
import signal
import socket
import sys
from pathlib import Path

import hypercorn.asyncio
import hypercorn.config
from asgiref.wsgi import WsgiToAsgi
from joserfc.jwk import ECKey, RSAKey

USERS = ["alice", "bob", "boss"]
GROUPS = {"dev": ["alice", "bob"], "deploy": ["alice"], "valetkey-admins": ["boss"]}
SCOPES = ["openid", "profile", "email", "groups", "offline_access"]


def configuration(state: Path, port: int) -> dict:
    keys = [
        RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True),
        ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True),
    ]
    return {
        "SECRET_KEY": secrets.token_hex(),
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "SESSION_COOKIE_SECURE": False,
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{state}/canaille.sqlite"},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [key.as_dict(private=True) for key in keys],
            # The loopback address is on it by default, and who is trusted shows no consent page.
            "TRUSTED_DOMAINS": [],
        },
    }


def populate(app, redirect_uri: str) -> None:
    from canaille.app import models
    from canaille.backends import Backend

    with app.app_context():
        Backend.instance.install(app)
        with Backend.instance.session():
            people = {}
            for name in USERS:
                people[name] = models.User(
                    user_name=name,
                    password=f"{name}password",
                    emails=[f"{name}@example.test"],
                    family_name=name.title(),
                    formatted_name=name.title(),
                )
                Backend.instance.save(people[name])
            for group, members in GROUPS.items():
                Backend.instance.save(
                    models.Group(display_name=group, members=[people[name] for name in members])
                )
            client = models.Client(
                client_id="valetkey",
                client_name="Valetkey",
                client_uri="http://127.0.0.1",
                application_type="native",
                token_endpoint_auth_method="none",
                redirect_uris=[redirect_uri],
                post_logout_redirect_uris=[],
                grant_types=["authorization_code", "refresh_token"],
                response_types=["code"],
                scope=SCOPES,
            )
            # Without this the ID token has an empty `aud`. The web page does it, the command line does not.
            client.audience = [client]
            Backend.instance.save(client)


async def serve(app, listener: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = 0.5
    # The socket listens already: whoever connects from here on is answered.
    print(f"ready http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await hypercorn.asyncio.serve(WsgiToAsgi(app), config, shutdown_trigger=stop.wait)


def main() -> None:
    state, port, redirect_uri = Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3]
    listener = socket.create_server(("127.0.0.1", port))
    (state / "canaille.sqlite").unlink(missing_ok=True)

    import canaille

    app = canaille.create_app(config=configuration(state, listener.getsockname()[1]))
    populate(app, redirect_uri)
    asyncio.run(serve(app, listener))


main()
