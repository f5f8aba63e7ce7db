//! The sandbox that an agent runs in.

use std::{path::Path, process::Command};

use crate::Session;

/// Makes `bwrap`, a command that ends in `bwrap(1)`, a sandbox as `tests/demo/demo.sh` has it: namespaces
/// of its own of every kind, the system's programs, `valetkey`, the folder of one session's socket, and
/// nothing else. More of bubblewrap's options may follow, and then the agent.
pub fn sandbox(mut bwrap: Command, valetkey: &Path, session: &Session) -> Command {
    let folder = session.socket.parent().expect("a socket is in a folder");
    let name = session.socket.file_name().expect("a socket has a name");
    bwrap
        .args(["--unshare-all", "--die-with-parent", "--new-session"])
        .args(["--clearenv", "--ro-bind", "/usr", "/usr"])
        .args(["--symlink", "usr/lib", "/lib"])
        .args(["--symlink", "usr/lib64", "/lib64"])
        .args(["--symlink", "usr/bin", "/bin"])
        .args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"])
        .arg("--ro-bind")
        .arg(valetkey)
        .arg("/opt/valetkey")
        .arg("--ro-bind")
        .arg(folder)
        .arg("/run/valetkey")
        .args(["--setenv", "PATH", "/opt:/usr/bin:/bin"])
        .args(["--setenv", "HOME", "/tmp", "--setenv", "VALETKEY_SOCKET"])
        .arg(Path::new("/run/valetkey").join(name));
    bwrap
}
