"""What a room does not show, and what it does not let be changed."""

import ctypes
import os
import shutil

from harness import OF_ROOT, Held, Unseen, attempt, call, facts, where_root_may

#: Profiles in which the workspace is protected. In `open` it is not, which is what that one is for.
PROTECTED = ["read-only", "workspace-write", "lab"]
AT_CWD = -100


def read(path):
    with open(path, "rb") as file:
        got = file.read(64)
    if not got:
        raise Held("it is empty")
    return got[:8]


def opened(path, flags):
    """Opens and changes nothing: the host's own files are not harmed where this succeeds."""
    os.close(os.open(path, flags | os.O_CLOEXEC))
    return path


def made(path):
    """Makes a file and takes it away again."""
    with open(path, "xb"):
        pass
    os.unlink(path)
    return path


def work(*names):
    return os.path.join(facts.workspace, *names)


@attempt("files/a-key-in-the-home")
def _():
    return read(facts.home + "/.ssh/id_escape")


@attempt("files/the-home-listed")
def _():
    found = os.listdir(facts.home)
    if ".ssh" not in found:
        raise Held("another home")
    return found


@attempt("files/home-by-its-variable")
def _():
    return read(os.path.expanduser("~/.ssh/id_escape"))


@attempt("files/home-of-root", user=OF_ROOT)
def _():
    return os.listdir("/root")


@attempt("files/configuration")
def _():
    return read(facts.configuration)


@attempt("files/ledger")
def _():
    return read(facts.ledger)


@attempt("files/the-brokers-log")
def _():
    return read(facts.log)


@attempt("files/another-workspace")
def _():
    return read(facts.other_workspace + "/notes")


@attempt("files/another-workspace-by-dot-dot")
def _():
    return read(work("..", os.path.basename(facts.other_workspace), "notes"))


@attempt("files/what-is-beside-the-workspace")
def _():
    found = os.listdir(facts.workspace + "/..")
    if os.path.basename(facts.other_workspace) not in found:
        raise Held(f"only {found}")
    return found


@attempt("files/shadow", user=OF_ROOT)
def _():
    return read("/etc/shadow")


@attempt("files/a-key-of-the-machine", **where_root_may(lambda: os.stat("/etc/ssh/ssh_host_ed25519_key")))
def _():
    return read("/etc/ssh/ssh_host_ed25519_key")


@attempt("files/by-proc-self-root")
def _():
    return read("/proc/self/root" + facts.ledger)


@attempt("files/by-the-root-of-the-first-process", **where_root_may(lambda: os.listdir("/proc/1/root")))
def _():
    return read("/proc/1/root" + facts.ledger)


@attempt("files/by-the-root-of-the-launcher")
def _():
    return read(f"/proc/{facts.bystander}/root{facts.ledger}")


@attempt("files/by-the-folder-of-a-process")
def _():
    return read(f"/proc/self/cwd/../{os.path.basename(facts.other_workspace)}/notes")


@attempt("files/by-an-inherited-descriptor")
def _():
    # The launcher was started with this open, as by a careless shell.
    return read("/dev/fd/9/id_escape")


@attempt("files/by-any-inherited-descriptor")
def _():
    for name in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{name}"
        if int(name) > 2 and os.path.isdir(path) and os.path.exists(path + "/id_escape"):
            return read(path + "/id_escape")
    raise Held("none leads anywhere")


@attempt("files/by-a-link-that-was-there")
def _():
    return read(work("link-to-key"))


@attempt("files/by-a-link-of-its-own")
def _():
    link = os.path.join("/tmp", f"link-{os.getpid()}")
    os.symlink(facts.ledger, link)
    try:
        return read(link)
    finally:
        os.unlink(link)


@attempt("files/by-a-link-out-of-the-workspace", profiles=["workspace-write", "open", "lab"])
def _():
    link = work("link-of-its-own")
    os.symlink("../" + os.path.basename(facts.other_workspace), link)
    try:
        return read(link + "/notes")
    finally:
        os.unlink(link)


@attempt("files/by-a-second-name")
def _():
    os.link(facts.home + "/.ssh/id_escape", work("second-name"))
    try:
        return read(work("second-name"))
    finally:
        os.unlink(work("second-name"))


@attempt("files/by-a-descriptor-of-the-root", user=OF_ROOT)
def _():
    # openat(2) from a folder that is held open, up and up.
    up = os.open("/", os.O_PATH)
    for _ in range(40):
        up = os.open("..", os.O_PATH, dir_fd=up)
    return os.close(os.open("etc/shadow", os.O_RDONLY, dir_fd=up)) or "shadow"


@attempt("files/usr-written", user=OF_ROOT)
def _():
    return made(f"/usr/valetkey-escape-{os.getpid()}")


@attempt("files/etc-written", user=OF_ROOT)
def _():
    return made(f"/etc/valetkey-escape-{os.getpid()}")


@attempt("files/passwd-opened-for-writing", user=OF_ROOT)
def _():
    return opened("/etc/passwd", os.O_WRONLY | os.O_APPEND)


@attempt("files/a-program-opened-for-writing", user=OF_ROOT)
def _():
    return opened("/usr/bin/env", os.O_WRONLY | os.O_APPEND)


@attempt("files/valetkey-itself-changed", user=Unseen("the program is root's here; the run as root sees it"))
def _():
    return os.chmod(shutil.which("valetkey"), 0o755) or "its mode"


@attempt("files/root-written", user=OF_ROOT)
def _():
    return made(f"/valetkey-escape-{os.getpid()}")


@attempt("files/a-setting-of-the-kernel", user=OF_ROOT)
def _():
    return opened("/proc/sys/kernel/core_pattern", os.O_WRONLY)


@attempt("files/a-setting-of-the-network", user=OF_ROOT)
def _():
    return opened("/proc/sys/net/ipv4/ip_forward", os.O_WRONLY)


@attempt("files/sysrq", **where_root_may(lambda: os.stat("/proc/sysrq-trigger")))
def _():
    return opened("/proc/sysrq-trigger", os.O_WRONLY)


@attempt("files/kernel-memory", **where_root_may(lambda: os.stat("/proc/kcore")))
def _():
    return read("/proc/kcore")


@attempt("files/sysfs", user=OF_ROOT)
def _():
    return opened("/sys/kernel/uevent_helper" if os.path.exists("/sys/kernel/uevent_helper") else "/sys/kernel/profiling", os.O_RDONLY)


@attempt("files/cgroups", **where_root_may(lambda: os.stat("/sys/fs/cgroup/cgroup.procs")))
def _():
    return opened("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY)


@attempt("files/owner-changed", user=OF_ROOT)
def _():
    path = f"/tmp/owner-{os.getpid()}"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        os.chown(path, 12345, 12345)
        return path
    finally:
        os.unlink(path)


@attempt("protected/workspace-written", profiles=["read-only"])
def _():
    return made(work("anything"))


@attempt("protected/workspace-changed", profiles=["read-only"])
def _():
    return opened(work("README"), os.O_WRONLY)


@attempt("protected/workspace-mode", profiles=["read-only"])
def _():
    return os.chmod(work("README"), 0o644) or "changed"


@attempt("protected/git-config", profiles=PROTECTED)
def _():
    return opened(work(".git/config"), os.O_WRONLY | os.O_APPEND)


@attempt("protected/git-config-cut", profiles=PROTECTED)
def _():
    return os.truncate(work(".git/config"), os.stat(work(".git/config")).st_size) or "cut"


@attempt("protected/git-config-removed", profiles=PROTECTED)
def _():
    path = work(".git/config")
    with open(path, "rb") as file:
        kept = file.read()
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(kept)
    return path


@attempt("protected/git-config-replaced", profiles=PROTECTED)
def _():
    new = f"{facts.workspace}/new-config"
    shutil.copy(work(".git/config"), new)
    os.rename(new, work(".git/config"))
    return new


@attempt("protected/git-config-mode", profiles=PROTECTED)
def _():
    return os.chmod(work(".git/config"), 0o644) or "changed"


@attempt("protected/git-config-opened-again", profiles=PROTECTED)
def _():
    held = os.open(work(".git/config"), os.O_RDONLY)
    return opened(f"/proc/self/fd/{held}", os.O_WRONLY | os.O_APPEND)


@attempt("protected/git-config-by-a-second-name", profiles=PROTECTED)
def _():
    second = work("second-config")
    os.link(work(".git/config"), second)
    try:
        return opened(second, os.O_WRONLY | os.O_APPEND)
    finally:
        os.unlink(second)


@attempt("protected/git-config-by-a-link", profiles=PROTECTED)
def _():
    return opened(work("link-to-config"), os.O_WRONLY | os.O_APPEND)


@attempt("protected/git-config-by-another-way", profiles=PROTECTED)
def _():
    return opened("/proc/self/cwd/.git/../.git/config", os.O_WRONLY | os.O_APPEND)


@attempt("protected/hook", profiles=PROTECTED)
def _():
    return made(work(".git/hooks/post-checkout"))


@attempt("protected/git-renamed", profiles=PROTECTED)
def _():
    os.rename(work(".git"), work("got"))
    os.rename(work("got"), work(".git"))
    return "renamed"


@attempt("protected/git-exchanged", profiles=PROTECTED)
def _():
    os.makedirs(work("twin"), exist_ok=True)
    pair = [os.fsencode(work(name)) for name in ("twin", ".git")]
    pair = [ctypes.c_char_p(path) for path in pair]
    for _ in range(2):
        call("renameat2", AT_CWD, pair[0], AT_CWD, pair[1], 2)
    return "exchanged"


@attempt("protected/hooks-renamed", profiles=PROTECTED)
def _():
    os.rename(work(".git/hooks"), work(".git/held"))
    os.rename(work(".git/held"), work(".git/hooks"))
    return "renamed"


@attempt("protected/workflows-above-renamed", profiles=PROTECTED)
def _():
    os.rename(work(".github"), work(".hubgit"))
    os.rename(work(".hubgit"), work(".github"))
    return "renamed"


@attempt("protected/workflow", profiles=PROTECTED)
def _():
    return made(work(".github/workflows/steal.yml"))


@attempt("protected/editor-settings", profiles=PROTECTED)
def _():
    return made(work(".vscode/tasks.json"))


@attempt("protected/editor-settings-for-a-link", profiles=PROTECTED)
def _():
    os.rename(work(".vscode"), work("moved"))
    os.symlink("moved", work(".vscode"))
    os.unlink(work(".vscode"))
    os.rename(work("moved"), work(".vscode"))
    return "replaced"


@attempt("protected/what-was-not-there", profiles=PROTECTED)
def _():
    path = work(".envrc")
    if os.path.isdir(path):
        # What holds its place.
        os.rmdir(path)
    return made(path)


@attempt("protected/what-the-profile-names", profiles=["lab"])
def _():
    return opened(work("Makefile"), os.O_WRONLY)


@attempt("protected/what-the-profile-shows", profiles=["lab"])
def _():
    return made(facts.readable + "/new")


@attempt("alive/workspace-read", alive=True)
def _():
    return read(work("README"))


@attempt("alive/workspace-written", alive=True, profiles=["workspace-write", "open", "lab"])
def _():
    return made(work("its-own"))


@attempt("alive/folder-for-temporary-files", alive=True)
def _():
    return made("/tmp/its-own")


@attempt("alive/git-config-in-open", alive=True, profiles=["open"])
def _():
    return opened(work(".git/config"), os.O_WRONLY | os.O_APPEND)


@attempt("alive/what-the-profile-shows", alive=True, profiles=["lab"])
def _():
    return read(facts.readable + "/manual")
