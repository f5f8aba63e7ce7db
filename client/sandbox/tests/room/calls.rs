//! The calls that are refused inside. Each is made by number, with arguments that the kernel would
//! answer otherwise.

use crate::house::House;

/// Prints the name of each call that was not refused as expected: `EPERM` comes from the filter, because
/// without it each of these answers with something else, as [`otherwise`] shows.
const SCRIPT: &str = r#"
import ctypes, errno, platform
c = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == 'x86_64'
EPERM, ENOSYS = errno.EPERM, errno.ENOSYS
NEW = {'user': 0x10000000, 'net': 0x40000000, 'pid': 0x20000000, 'mount': 0x20000, 'ipc': 0x08000000,
       'uts': 0x04000000, 'cgroup': 0x02000000}
calls = [
    ('ptrace', (101 if x86 else 117), (3, 999999, 0, 0), EPERM),
    ('process_vm_readv', (310 if x86 else 270), (999999, 0, 0, 0, 0, 0), EPERM),
    ('process_vm_writev', (311 if x86 else 271), (999999, 0, 0, 0, 0, 0), EPERM),
    ('pidfd_getfd', 438, (-1, 0, 0), EPERM),
    ('process_madvise', 440, (-1, 0, 0, 0, 0), EPERM),
    ('kcmp', (312 if x86 else 272), (999999, 999999, 0, 0, 0), EPERM),
    ('keyctl', (250 if x86 else 219), (0, -3, 0), EPERM),
    ('add_key', (248 if x86 else 217), (0, 0, 0, 0, 0), EPERM),
    ('request_key', (249 if x86 else 218), (0, 0, 0, 0), EPERM),
    ('io_uring_setup', 425, (0, 0), EPERM),
    ('io_uring_enter', 426, (-1, 0, 0, 0, 0, 0), EPERM),
    ('bpf', (321 if x86 else 280), (9999, 0, 0), EPERM),
    ('perf_event_open', (298 if x86 else 241), (0, 0, 0, 0, 0), EPERM),
    ('userfaultfd', (323 if x86 else 282), (0xffff,), EPERM),
    ('fsopen', 430, (0, 0), EPERM),
    ('open_tree', 428, (-1, 0, 0xff), EPERM),
    ('name_to_handle_at', (303 if x86 else 264), (-1, 0, 0, 0, 0), EPERM),
    ('unshare', (272 if x86 else 97), (0,), EPERM),
    ('setns', (308 if x86 else 268), (-1, 0), EPERM),
    ('clone3', 435, (0, 0), ENOSYS),
    ('TIOCSTI', (16 if x86 else 29), (0, 0x5412, 0), EPERM),
    ('TIOCSTI with more bits', (16 if x86 else 29), (0, 0x7700005412, 0), EPERM),
    ('TIOCLINUX', (16 if x86 else 29), (0, 0x541c, 0), EPERM),
    ('AF_VSOCK', (41 if x86 else 198), (40, 1, 0), EPERM),
    ('AF_ALG', (41 if x86 else 198), (38, 5, 0), EPERM),
    ('AF_PACKET', (41 if x86 else 198), (17, 9999, 0), EPERM),
    ('raw', (41 if x86 else 198), (2, 3 | 0o2000000, 9999), EPERM),
    ('netlink audit', (41 if x86 else 198), (16, 3, 9999), EPERM),
    ('mknod', (259 if x86 else 33), (-1, 0, 0o20600, 0x103), EPERM),
]
calls += [('clone new ' + name, (56 if x86 else 220), (flag | 0x10000, 0, 0, 0, 0), EPERM)
          for name, flag in NEW.items()]
if x86:
    calls += [('x32 getpid', 0x40000000 | 39, (), EPERM), ('x32 ptrace', 0x40000000 | 521, (0, 0, 0, 0), EPERM),
              ('iopl', 172, (99,), EPERM), ('old mknod', 133, (0, 0o60600, 0), EPERM)]
for name, number, arguments, expected in calls:
    result = c.syscall(number, *[ctypes.c_long(a) for a in arguments])
    if result != -1 or ctypes.get_errno() != expected:
        print(name, result, errno.errorcode.get(ctypes.get_errno()))
print('end')
"#;

#[test]
fn each_is_refused() {
    let house = House::new();
    house.write("calls.py", SCRIPT);
    let outcome = house.script("exec /usr/bin/python3 -I calls.py");
    assert_eq!(outcome.text, "end\n");
}

/// So that it is the filter that is seen to refuse: on the host nearly all of these fail otherwise.
#[test]
fn otherwise() {
    let output = std::process::Command::new("/usr/bin/python3")
        .args(["-I", "-c", SCRIPT])
        .output()
        .expect("python runs");
    let text = String::from_utf8_lossy(&output.stdout);
    for name in [
        "ptrace",
        "keyctl",
        "io_uring_setup",
        "clone3",
        "TIOCSTI",
        "AF_VSOCK",
        "setns",
        "kcmp",
    ] {
        assert!(text.contains(&format!("{name} ")), "{name}: {text}");
    }
}

/// What programs do all the time goes on.
#[test]
fn ordinary_work_is_not_hindered() {
    let house = House::new();
    let outcome = house.script(
        "python3 -c 'import threading, socket, subprocess, os
t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join()
socket.socketpair(); socket.socket(socket.AF_INET6); socket.if_nameindex()
subprocess.run([\"true\"], check=True); os.mkfifo(\"/tmp/fifo\"); print(os.getpid() > 1)' \
        && ip link show lo | wc -l",
    );
    assert_eq!(outcome.text, "thread\nTrue\n2\n");
}

#[test]
fn no_namespace_can_be_made() {
    let house = House::new();
    for script in [
        "unshare -U true",
        "unshare -n true",
        "bwrap --ro-bind / / true",
        "mount -t tmpfs x /tmp",
    ] {
        let outcome = house.script(script);
        assert_ne!(outcome.status, 0, "{script}");
        assert_ne!(outcome.status, 127, "{script}: {}", outcome.text);
    }
}
