"""Other processes: the broker, one of the developer's, and the two of bubblewrap that are in the room."""

import ctypes
import os
import re
import signal

from harness import Held, Unseen, attempt, call, facts, in_child

OF_ROOT = Unseen("the broker is closed to its own user (`ordinary_user.rs`); the run as root sees it")
SEIZE, DETACH, TRACEME = 0x4206, 17, 0


def head(path):
    with open(path, "rb") as file:
        got = file.read(1)
    if not got:
        raise Held("nothing is in it")
    return got


@attempt("processes/broker-seen")
def _():
    return head(f"/proc/{facts.broker}/stat")


@attempt("processes/broker-command-line")
def _():
    return head(f"/proc/{facts.broker}/cmdline")


@attempt("processes/broker-environment", user=OF_ROOT)
def _():
    return head(f"/proc/{facts.broker}/environ")


@attempt("processes/broker-memory", user=OF_ROOT)
def _():
    return memory(facts.broker)


@attempt("processes/broker-descriptors", user=OF_ROOT)
def _():
    return os.listdir(f"/proc/{facts.broker}/fd")[:1]


@attempt("processes/broker-signalled")
def _():
    return os.kill(facts.broker, 0) or "it would be"


@attempt("processes/broker-traced", user=OF_ROOT)
def _():
    return traced(facts.broker)


@attempt("processes/environment-of-another")
def _():
    return head(f"/proc/{facts.bystander}/environ")


@attempt("processes/memory-of-another")
def _():
    return memory(facts.bystander)


@attempt("processes/folder-of-another")
def _():
    return os.readlink(f"/proc/{facts.bystander}/cwd")


@attempt("processes/another-signalled")
def _():
    return os.kill(facts.bystander, 0) or "it would be"


@attempt("processes/another-by-a-handle")
def _():
    handle = os.pidfd_open(facts.bystander)
    return signal.pidfd_send_signal(handle, 0) or "it would be"


@attempt("processes/another-traced")
def _():
    return traced(facts.bystander)


@attempt("processes/limits-of-another")
def _():
    import resource

    return resource.prlimit(facts.bystander, resource.RLIMIT_NOFILE)


@attempt("processes/others-listed")
def _():
    found = [name for name in os.listdir("/proc") if name.isdigit()]
    if str(facts.bystander) not in found:
        raise Held(f"only {len(found)} of its own")
    return found


@attempt("processes/first-of-the-room-signalled", control="bare")
def _():
    return os.kill(1, 0) or "it would be"


@attempt("processes/first-of-the-room-traced", control="bare")
def _():
    return traced(1)


@attempt("processes/root-of-the-first-of-the-room", control="bare")
def _():
    return os.listdir("/proc/1/root/")[:1]


@attempt("processes/memory-of-the-first-of-the-room", control="bare")
def _():
    return memory(1)


@attempt("processes/own-child-traced")
def _():
    def trace_me():
        call("ptrace", TRACEME, 0, 0, 0)

    child = in_child(trace_me)
    os.kill(child, signal.SIGKILL)
    return "traced"


@attempt("processes/own-childs-memory-by-a-call")
def _():
    child = in_child(lambda: None)
    try:
        source = ctypes.create_string_buffer(b"what a child keeps")
        target = ctypes.create_string_buffer(8)
        here = (ctypes.c_size_t * 2)(ctypes.addressof(target), 8)
        there = (ctypes.c_size_t * 2)(ctypes.addressof(facts.known), 8)
        del source
        call("process_vm_readv", child, here, 1, there, 1, 0)
        return target.raw
    finally:
        os.kill(child, signal.SIGKILL)


facts.known = ctypes.create_string_buffer(b"known before the child was")


@attempt("processes/own-childs-descriptor")
def _():
    child = in_child(lambda: None)
    try:
        return call("pidfd_getfd", os.pidfd_open(child), 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)


@attempt("processes/own-child-compared", control="desk")
def _():
    child = in_child(lambda: None)
    try:
        return call("kcmp", os.getpid(), child, 0, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)


@attempt("processes/own-childs-memory-advised", user=Unseen("it takes a right of root's; the run as root sees it"))
def _():
    child = in_child(lambda: None)
    page = ctypes.addressof(facts.known) & ~4095
    try:
        there = (ctypes.c_size_t * 2)(page, 4096)
        # MADV_COLD
        return call("process_madvise", os.pidfd_open(child), there, 1, 20, 0)
    finally:
        os.kill(child, signal.SIGKILL)


@attempt("processes/new-privileges")
def _():
    with open("/proc/self/status") as status:
        if "NoNewPrivs:\t0" not in status.read():
            raise Held("a program of another user gives nothing")
    return "su and sudo would"


@attempt("processes/capabilities", control="own", root="desk")
def _():
    with open("/proc/self/status") as status:
        found = re.search(r"CapEff:\s*(\w+)", status.read())[1]
    if int(found, 16) == 0:
        raise Held("none")
    return found


@attempt("processes/core-files-allowed-again", root="desk", user=Unseen("a limit once lowered rises for nobody but root"))
def _():
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))
    except ValueError as error:
        raise Held(error) from error
    return f"allowed, with {most} before"


def memory(pid):
    with open(f"/proc/{pid}/maps") as maps:
        first = maps.readline()
    start = int(first.split("-")[0], 16) if first else 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        file.seek(start)
        return file.read(4)


def traced(pid):
    call("ptrace", SEIZE, pid, 0, 0)
    # Nothing was stopped; this process ends, and with it the tracing.
    return "seized"
