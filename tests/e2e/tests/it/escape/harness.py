"""Attempts to get out of a room, and how each of them is tried.

An attempt is a function. It returns what it got, when it got out; an `OSError` or a `Held` says that
something kept it in; anything else is a mistake in the attempt, and fails the test. It runs in a
process of its own, because some are killed for it.

Each names where it has been seen to get out, by the same lines of code: `desk`, on the developer's
desktop as the developer; `bare`, in a room that bubblewrap alone makes; `own`, as root of namespaces
of its own. What can be seen nowhere on this machine says why.
"""

import ctypes
import json
import os
import platform
import signal
import sys
import types

libc = ctypes.CDLL(None, use_errno=True)
facts = types.SimpleNamespace()
ATTEMPTS = []
#: Longest that one attempt takes, in seconds.
PATIENCE = 20
NUMBERS = {
    "x86_64": {
        "clone": 56, "ptrace": 101, "syslog": 103, "pivot_root": 155, "iopl": 172, "mount": 165,
        "umount2": 166, "init_module": 175, "kexec_load": 246, "add_key": 248, "request_key": 249,
        "keyctl": 250, "unshare": 272, "perf_event_open": 298, "fanotify_init": 300,
        "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
        "kcmp": 312, "renameat2": 316, "bpf": 321, "userfaultfd": 323,
    },
    "aarch64": {
        "clone": 220, "ptrace": 117, "syslog": 116, "pivot_root": 41, "mount": 40, "umount2": 39,
        "init_module": 105, "kexec_load": 104, "add_key": 217, "request_key": 218, "keyctl": 219,
        "unshare": 97, "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270, "kcmp": 272,
        "renameat2": 276, "bpf": 280, "userfaultfd": 282,
    },
}[platform.machine()]
NUMBERS |= {
    "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442,
}


class Held(Exception):
    """Somebody said no in words."""


class Unseen(str):
    """Why an attempt cannot be seen to get out on this machine."""


OF_ROOT = Unseen("no user but root may, in a room or not; the run as root sees it")


def where_root_may(probe):
    """Seen by the run as root, where this machine lets its root."""
    why = {}
    try:
        probe()
    except OSError as error:
        why = {"root": Unseen(f"root may not here either: {error.strerror}")}
    return {"user": OF_ROOT} | why


class Attempt:
    def __init__(self, name, run, control, root, user, profiles, alive):
        self.name, self.run, self.profiles, self.alive = name, run, profiles, alive
        self.control = (root if facts.root else user) or control

    def is_tried(self, place):
        """`inside:PROFILE`, or one of the places without guards."""
        where, _, profile = place.partition(":")
        if where == "inside":
            return self.profiles is None or profile in self.profiles
        return not self.alive and where == self.control


def attempt(name, control="desk", root=None, user=None, profiles=None, alive=False):
    """`root` and `user` are what they say it is controlled by in place of `control`. An attempt that
    is `alive` is no escape: it must succeed inside, so that a room in which nothing works at all is
    not taken for a safe one."""

    def add(run):
        ATTEMPTS.append(Attempt(name, run, control, root, user, profiles, alive))
        return run

    return add


def call(name, *arguments):
    """A system call by its name. Buffers are kept by whoever made them."""
    number = NUMBERS[name] if isinstance(name, str) else name
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(name))
    return result


def tried(one):
    """What became of it: `out`, `held` or `broken`, and what was said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(PATIENCE)
        try:
            if facts.place == "own":
                # What it mounts is gone with it.
                call("unshare", 0x20000)
            told = ["out", repr(one.run())]
        except (OSError, Held) as error:
            told = ["held", f"{type(error).__name__}: {error}"]
        except BaseException as error:  # also what ends a process must be told
            told = ["broken", f"{type(error).__name__}: {error}"]
        os.write(writer, json.dumps([told[0], told[1][:300]]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if said:
        return json.loads(said)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS:
        return ["held", "killed by the filter of system calls"]
    return ["broken", f"ended with wait status {status}"]


def in_child(body):
    """Runs `body` in a child that then waits to be killed; gives back its number when it is ready."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            body()
            os.write(writer, b"+")
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        signal.pause()
    os.close(writer)
    said = os.read(reader, 64)
    if said != b"+":
        os.kill(child, signal.SIGKILL)
        raise OSError(int(said or 0), os.strerror(int(said or 0)))
    return child


def main(place):
    for one in ATTEMPTS:
        if one.is_tried(place):
            result, said = tried(one)
            print(json.dumps({"name": one.name, "alive": one.alive, "result": result, "said": said}))
            sys.stdout.flush()
