"""The kernel's doors: keyrings, namespaces, mounts, devices, terminals, and calls that few programs need."""

import ctypes
import fcntl
import mmap
import os
import platform
import pty
import socket
import struct

from harness import OF_ROOT, Held, Unseen, attempt, call, facts, where_root_may

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)
AT_CWD = -100


def text(words):
    return ctypes.c_char_p(words.encode())


@attempt("keyring/found")
def _():
    # KEYCTL_GET_KEYRING_ID, the session's, made if missing
    return call("keyctl", 0, -3, 1)


@attempt("keyring/users")
def _():
    # KEYCTL_GET_KEYRING_ID, the user's
    return call("keyctl", 0, -4, 1)


@attempt("keyring/joined")
def _():
    # KEYCTL_JOIN_SESSION_KEYRING
    return call("keyctl", 1, None)


@attempt("keyring/key-added")
def _():
    # Into the process's own keyring: gone with it.
    return call("add_key", text("user"), text("valetkey-escape"), text("x"), 1, -2)


@attempt("keyring/key-asked-for")
def _():
    try:
        return call("request_key", text("user"), text("valetkey-no-such-key"), None, 0)
    except OSError as error:
        # ENOKEY: it was looked for.
        if error.errno == 126:
            return "looked for"
        raise


@attempt("keyring/read-by-the-program")
def _():
    import subprocess

    shown = subprocess.run(["keyctl", "show", "@u"], capture_output=True)
    if shown.returncode != 0:
        raise Held(shown.stderr[:100])
    return shown.stdout[:40]


@attempt("namespaces/user")
def _():
    return call("unshare", NEWUSER)


@attempt("namespaces/user-and-mount")
def _():
    return call("unshare", NEWUSER | NEWNS)


@attempt("namespaces/mount", control="own")
def _():
    return call("unshare", NEWNS)


@attempt("namespaces/network", control="own")
def _():
    return call("unshare", NEWNET)


@attempt("namespaces/pid", control="own")
def _():
    return call("unshare", NEWPID)


@attempt("namespaces/ipc", control="own")
def _():
    return call("unshare", NEWIPC)


@attempt("namespaces/user-by-clone")
def _():
    return cloned(lambda: call("clone", NEWUSER | 17, 0, 0, 0, 0))


@attempt("namespaces/user-and-network-by-clone")
def _():
    return cloned(lambda: call("clone", NEWUSER | NEWNET | 17, 0, 0, 0, 0))


@attempt("namespaces/user-by-clone3")
def _():
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls
    arguments = (ctypes.c_uint64 * 8)(NEWUSER, 0, 0, 0, 17, 0, 0, 0)
    return cloned(lambda: call("clone3", arguments, ctypes.sizeof(arguments)))


def cloned(clone):
    child = clone()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@attempt("namespaces/user-by-the-program")
def _():
    import subprocess

    made = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True)
    if made.returncode != 0:
        raise Held(made.stderr[:100])
    return "root in a namespace of its own"


@attempt("namespaces/a-second-room-by-bubblewrap")
def _():
    import subprocess

    made = subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], capture_output=True)
    if made.returncode != 0:
        raise Held(made.stderr[:100])
    return "a room in the room"


@attempt("namespaces/entered", control="own")
def _():
    return call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), NEWNET)


@attempt("namespaces/of-another-entered", control="desk", user=Unseen("an ordinary user is not let into the first namespace; `namespaces/entered` sees the call"))
def _():
    return call("setns", os.open(f"/proc/{facts.bystander}/ns/net", os.O_RDONLY), NEWNET)


@attempt("namespaces/of-another-seen")
def _():
    return os.readlink(f"/proc/{facts.bystander}/ns/net")


@attempt("namespaces/more-of-them-allowed", control="own")
def _():
    os.close(os.open("/proc/sys/user/max_user_namespaces", os.O_WRONLY))
    return "opened for writing"


@attempt("mounts/file-system", control="own")
def _():
    return call("mount", text("none"), text("/tmp"), text("tmpfs"), 0, None)


@attempt("mounts/proc", control="own")
def _():
    return call("mount", text("proc"), text("/tmp"), text("proc"), 0, None)


@attempt("mounts/bound", control="own")
def _():
    return call("mount", text("/proc"), text("/mnt"), None, 4096, None)


@attempt("mounts/made-writable", control="own")
def _():
    # MS_REMOUNT | MS_BIND: what protects `.git/config` is a mount that is read-only.
    path = facts.workspace + "/.git/config"
    call("mount", None, text(path), None, 32 | 4096, None)
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
    return "writable"


@attempt("mounts/taken-away", control="own")
def _():
    return call("umount2", text(facts.workspace + "/.git/config"), 2)


@attempt("mounts/root-changed-for-good", control="own")
def _():
    call("mount", text("/tmp"), text("/tmp"), None, 4096, None)
    os.chdir("/tmp")
    # pivot_root(".", "."), pivot_root(2)
    return call("pivot_root", text("."), text("."))


@attempt("mounts/root-changed", control="own", root="desk")
def _():
    return os.chroot("/tmp") or "changed"


@attempt("mounts/tree-opened", control="own")
def _():
    # OPEN_TREE_CLONE
    return call("open_tree", AT_CWD, text("/tmp"), 1)


@attempt("mounts/tree-attached", control="own")
def _():
    tree = call("open_tree", AT_CWD, text("/usr"), 1)
    # MOVE_MOUNT_F_EMPTY_PATH
    return call("move_mount", tree, text(""), AT_CWD, text("/mnt"), 4)


@attempt("mounts/file-system-opened", control="own")
def _():
    return call("fsopen", text("tmpfs"), 0)


@attempt("mounts/attributes", control="own")
def _():
    # struct mount_attr: set, clear (MOUNT_ATTR_RDONLY), propagation, userns
    attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
    return call("mount_setattr", AT_CWD, text(facts.workspace + "/.git/config"), 0, attributes, 32)


@attempt("devices/character-made", user=OF_ROOT)
def _():
    path = f"/tmp/null-{os.getpid()}"
    os.mknod(path, 0o020600, os.makedev(1, 3))
    os.unlink(path)
    return path


@attempt("devices/block-made", user=OF_ROOT)
def _():
    path = f"/tmp/disk-{os.getpid()}"
    os.mknod(path, 0o060600, os.makedev(254, 0))
    os.unlink(path)
    return path


def device(path):
    os.close(os.open(path, os.O_RDWR))
    return path


def root_device(path):
    return where_root_may(lambda: device(path))


def disk():
    with open("/proc/partitions") as table:
        return "/dev/" + table.read().split()[-1]


@attempt("devices/memory", **root_device("/dev/mem"))
def _():
    return device("/dev/mem")


@attempt("devices/kvm", **root_device("/dev/kvm"))
def _():
    return device("/dev/kvm")


@attempt("devices/tun", **root_device("/dev/net/tun"))
def _():
    return device("/dev/net/tun")


@attempt("devices/vsock", **root_device("/dev/vsock"))
def _():
    return device("/dev/vsock")


@attempt("devices/kernel-log", user=OF_ROOT)
def _():
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    return "read"


@attempt("devices/fuse", **root_device("/dev/fuse"))
def _():
    return device("/dev/fuse")


@attempt("devices/disk", **where_root_may(lambda: os.close(os.open(disk(), os.O_RDONLY))))
def _():
    return os.close(os.open(disk(), os.O_RDONLY)) or disk()


@attempt("devices/a-virtual-console", **root_device("/dev/tty1"))
def _():
    return device("/dev/tty1")


@attempt("terminal/typed-into")
def _():
    with open("/proc/sys/dev/tty/legacy_tiocsti") as setting:
        legacy = setting.read().strip()
    if legacy == "0" and not facts.place.startswith("inside"):
        return "only the kernel's own setting forbids it here"
    return at_terminal(lambda: fcntl.ioctl(0, 0x5412, b"x"))


@attempt("terminal/typed-into-by-a-longer-number")
def _():
    # The kernel looks at 32 bits of the request.
    def push():
        word = ctypes.create_string_buffer(b"x")
        number = {"x86_64": 16, "aarch64": 29}[platform.machine()]
        call(number, 0, ctypes.c_long(0x1_0000_5412), word)

    return at_terminal(push)


@attempt("terminal/pasted-into", control="desk")
def _():
    def paste():
        try:
            # TIOCL_GETMOUSEREPORTING and the like are a console's; elsewhere the kernel says ENOTTY, when
            # it was asked.
            fcntl.ioctl(0, 0x541C, b"\x03")
        except OSError as error:
            if error.errno not in (25, 22):
                raise

    return at_terminal(paste)


def at_terminal(body):
    """In a child that has a terminal of its own; what it may not do comes back."""
    reader, writer = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        try:
            body()
            os.write(writer, b"+")
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 16)
    os.waitpid(child, 0)
    os.close(terminal)
    if said != b"+":
        raise OSError(int(said), os.strerror(int(said)))
    return "done"


@attempt("kernel/io-uring")
def _():
    parameters = ctypes.create_string_buffer(120)
    return call("io_uring_setup", 1, parameters)


@attempt("kernel/bpf", user=Unseen("`unprivileged_bpf_disabled` forbids it to all but root; the run as root sees it"))
def _():
    # BPF_MAP_CREATE of an array with one number in it
    attributes = ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 120)
    return call("bpf", 0, attributes, 120)


@attempt("kernel/perf-events")
def _():
    # PERF_TYPE_SOFTWARE, its size, PERF_COUNT_SW_CPU_CLOCK; exclude_kernel and exclude_hv
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 112)
    struct.pack_into("Q", attributes, 40, 1 << 5 | 1 << 6)
    return call("perf_event_open", attributes, 0, -1, -1, 0)


@attempt("kernel/page-faults")
def _():
    # UFFD_USER_MODE_ONLY
    return call("userfaultfd", 1)


@attempt("kernel/file-events")
def _():
    # FAN_CLASS_NOTIF | FAN_REPORT_FID, which every user may
    return call("fanotify_init", 0x200, 0)


@attempt("kernel/modules", root=Unseen("this kernel has no modules"), user=OF_ROOT)
def _():
    return call("init_module", ctypes.create_string_buffer(64), 64, text(""))


@attempt("kernel/another-kernel", root=Unseen("this kernel cannot start another"), user=OF_ROOT)
def _():
    return call("kexec_load", 0, 0, None, 0)


@attempt("kernel/log", user=OF_ROOT)
def _():
    # SYSLOG_ACTION_READ_ALL
    return call("syslog", 3, ctypes.create_string_buffer(64), 64)


def handle():
    """struct file_handle of 128 bytes at most."""
    buffer = ctypes.create_string_buffer(struct.pack("I", 128), 136)
    mount = ctypes.c_int()
    call("name_to_handle_at", AT_CWD, text(facts.workspace), buffer, ctypes.byref(mount), 0)
    return buffer


@attempt("kernel/handle-of-a-file")
def _():
    return handle().raw[:8]


@attempt("kernel/file-by-its-handle", user=OF_ROOT)
def _():
    folder = os.open(facts.workspace, os.O_RDONLY)
    return call("open_by_handle_at", folder, handle(), os.O_RDONLY | os.O_DIRECTORY)


@attempt("kernel/x32", root=Unseen("this kernel has no x32"), user=Unseen("this kernel has no x32"))
def _():
    return call(0x4000_0000 | 39)


@attempt("kernel/x32-ptrace", root=Unseen("this kernel has no x32"), user=Unseen("this kernel has no x32"))
def _():
    return call(0x4000_0000 | 521, 0, 0, 0, 0)


def iopl_here():
    try:
        call("iopl", 0)
    except OSError as error:
        if error.errno == 38:
            return {"root": Unseen("this kernel has no `iopl`"), "user": Unseen("this kernel has no `iopl`")}
    return {}


if platform.machine() == "x86_64":

    @attempt("kernel/ports", **iopl_here())
    def _():
        # At the level that it has: the kernel lets everybody, where it is asked.
        return call("iopl", 0)

    @attempt("kernel/calls-of-another-architecture")
    def _():
        # mov eax, 20 (getpid of 32 bits); int 0x80; ret
        code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        got = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        if got != os.getpid():
            raise Held(got)
        return got


def family(number, kind=socket.SOCK_DGRAM, protocol=0):
    libc_socket = ctypes.CDLL(None, use_errno=True).socket
    got = libc_socket(number, kind, protocol)
    if got < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.close(got)
    return "made"


NO_FAMILY = Unseen("this kernel does not have the family")


def made_here(number, kind=socket.SOCK_DGRAM, protocol=0, otherwise=None):
    """Where this kernel has the family, the desk sees it."""
    try:
        family(number, kind, protocol)
    except OSError as error:
        if error.errno in (97, 93, 94):
            return {"root": NO_FAMILY, "user": NO_FAMILY}
        return otherwise or {}
    return {}


@attempt("families/vsock", **made_here(40, socket.SOCK_STREAM))
def _():
    return family(40, socket.SOCK_STREAM)


@attempt("families/alg", **made_here(38, socket.SOCK_SEQPACKET))
def _():
    return family(38, socket.SOCK_SEQPACKET)


@attempt("families/packet", control="own", root="desk")
def _():
    return family(17, socket.SOCK_RAW)


@attempt("families/packet-the-old-way", control="own", root="desk")
def _():
    return family(2, 10, 0x0300)


@attempt("families/raw", control="own", root="desk")
def _():
    return family(2, socket.SOCK_RAW, 1)


@attempt("families/raw-of-version-6", control="own", root="desk")
def _():
    return family(10, socket.SOCK_RAW, 58)


@attempt("families/xdp", control="own", **made_here(44, socket.SOCK_RAW))
def _():
    return family(44, socket.SOCK_RAW)


@attempt("families/netlink-of-devices")
def _():
    return family(16, socket.SOCK_RAW, 15)


@attempt("families/netlink-of-sockets")
def _():
    return family(16, socket.SOCK_RAW, 4)


@attempt("families/netlink-of-filters", **made_here(16, socket.SOCK_RAW, 12))
def _():
    return family(16, socket.SOCK_RAW, 12)


@attempt("families/bluetooth", **made_here(31, socket.SOCK_RAW))
def _():
    return family(31, socket.SOCK_RAW)


@attempt("families/tipc", **made_here(30))
def _():
    return family(30)


@attempt("families/a-pair-of-another", **made_here(40, socket.SOCK_STREAM))
def _():
    # Of vsock there are no pairs: ENOTSUPP or EOPNOTSUPP, when the kernel was asked.
    pair = (ctypes.c_int * 2)()
    ctypes.CDLL(None, use_errno=True).socketpair(40, socket.SOCK_STREAM, 0, pair)
    number = ctypes.get_errno()
    if number not in (0, 95, 524):
        raise OSError(number, os.strerror(number))
    return number
