"""What listens on the developer's machine in no network: sockets with a path, and with a name alone."""

import os
import re
import socket
import subprocess

from harness import Held, attempt, facts


def greeted(address):
    """The stand-ins of `outside.py` say hello."""
    return told(address, b"")


def told(address, words):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(address)
        connection.sendall(words)
        got = connection.recv(4096)
    if not got:
        raise Held("hung up")
    return got[:40]


def http(address, path="/v1/session"):
    got = told(address, f"GET {path} HTTP/1.1\r\nhost: valetkey\r\n\r\n".encode())
    if b" 200 " not in got:
        raise Held(got)
    return got


@attempt("sockets/control")
def _():
    # Whatever it answers, it answers.
    return told(facts.runtime + "/valetkey/control.sock", b"GET / HTTP/1.1\r\nhost: valetkey\r\n\r\n")


@attempt("sockets/control-by-the-command")
def _():
    environment = os.environ | {"XDG_RUNTIME_DIR": facts.runtime}
    listed = subprocess.run(["valetkey", "session", "list"], env=environment, capture_output=True)
    if listed.returncode != 0:
        raise Held(listed.stderr[:100])
    return listed.stdout[:20]


@attempt("sockets/intake-of-rooms")
def _():
    return told(facts.runtime + "/valetkey/room.sock", b"{}\n")


@attempt("sockets/intake-beside-its-own-socket", profiles=["read-only", "workspace-write", "open", "lab"])
def _():
    own = os.environ.get("VALETKEY_SOCKET") or facts.other_socket
    folder = os.path.dirname(own)
    for path in (folder + "/../room.sock", folder + "/../../room.sock", folder + "/room.sock"):
        if os.path.exists(path):
            return told(path, b"{}\n")
    raise Held("there is none")


@attempt("sockets/another-session")
def _():
    return http(facts.other_socket)


@attempt("sockets/another-session-beside-its-own")
def _():
    own = os.environ.get("VALETKEY_SOCKET") or facts.other_socket
    # Most paths are too long for a socket's address.
    os.chdir(os.path.dirname(own))
    return http(f"../{os.path.basename(os.path.dirname(facts.other_socket))}/agent.sock")


@attempt("sockets/any-that-can-be-found")
def _():
    found = []
    for top in ("/run", "/tmp", "/var", facts.runtime):
        for folder, _, names in os.walk(top):
            paths = (os.path.join(folder, name) for name in names)
            found += [path for path in paths if is_socket(path) and path != os.environ.get("VALETKEY_SOCKET")]
    if not found:
        raise Held("none but its own")
    return found


def is_socket(path):
    try:
        return (os.lstat(path).st_mode & 0o170000) == 0o140000
    except OSError:
        return False


@attempt("sockets/bound-in-the-folder-for-temporary-files")
def _():
    return greeted(facts.host_socket)


@attempt("sockets/bound-beside-the-workspace")
def _():
    return greeted(facts.workspace + "/../beside.sock")


@attempt("sockets/without-a-path")
def _():
    return greeted("\0" + facts.abstract)


@attempt("sockets/without-a-path-datagrams")
def _():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect("\0" + facts.abstract + "-datagrams")
        return connection.send(b"hello")


@attempt("sockets/names-without-a-path-listed")
def _():
    with open("/proc/net/unix") as table:
        if facts.abstract not in table.read():
            raise Held("another network's list")
    return facts.abstract


@attempt("dbus/session")
def _():
    return authenticated(facts.runtime + "/bus")


@attempt("dbus/session-without-a-path")
def _():
    return authenticated("\0" + facts.relay)


@attempt("dbus/session-by-its-variable")
def _():
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nothing")
    return authenticated(re.sub(r"^unix:path=([^,]*).*", r"\1", address))


@attempt("dbus/system", control="bare")
def _():
    return greeted("/run/dbus/system_bus_socket")


@attempt("dbus/secret-service")
def _():
    environment = os.environ | {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={facts.runtime}/bus"}
    words = ["secret-tool", "lookup", "service", "valetkey", "username", "valetkey/secret/origin-key"]
    found = subprocess.run(words, env=environment, capture_output=True)
    if not found.stdout:
        raise Held(found.stderr[:100])
    return "the secret itself"


@attempt("dbus/keyring-daemon")
def _():
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect(facts.runtime + "/keyring/control") or "connected"


def authenticated(address):
    # https://dbus.freedesktop.org/doc/dbus-specification.html#auth-mechanisms-external
    uid = str(os.getuid()).encode().hex().encode()
    got = told(address, b"\0AUTH EXTERNAL " + uid + b"\r\n")
    if not got.startswith(b"OK "):
        raise Held(got)
    return got


@attempt("sockets/docker", control="bare")
def _():
    return greeted("/var/run/docker.sock")


@attempt("sockets/containerd", control="bare")
def _():
    return greeted("/run/containerd/containerd.sock")


@attempt("sockets/systemd", control="bare")
def _():
    return greeted("/run/systemd/private")


@attempt("sockets/ssh-agent")
def _():
    return greeted(facts.ssh_agent)


@attempt("sockets/ssh-agent-by-its-variable")
def _():
    return greeted(os.environ.get("SSH_AUTH_SOCK", "/nothing"))


@attempt("sockets/gpg-agent")
def _():
    return greeted(facts.runtime + "/gnupg/S.gpg-agent")


@attempt("sockets/x11")
def _():
    return greeted(facts.x11)


@attempt("sockets/x11-without-a-path")
def _():
    return greeted("\0" + facts.x11)


@attempt("sockets/wayland")
def _():
    return greeted(facts.runtime + "/wayland-0")


@attempt("sockets/pipewire")
def _():
    return greeted(facts.runtime + "/pipewire-0")


@attempt("alive/own-session", alive=True)
def _():
    return http(os.environ["VALETKEY_SOCKET"])
