use std::{
    fs,
    io::Read as _,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::{Child, Command, Stdio},
};

use ring::digest::{SHA256, digest};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, geteuid, pidfd_open, waitid};
use tempfile::TempDir;
use valetkey_core::{
    Caller, Pins,
    ports::{CallerError, Callers, Mismatch},
};
use valetkey_support::contracts::callers::{Stage, suite};

use super::{KernelCallers, open_by_number, process, within};

const PYTHON: &str = "/usr/bin/python3";
/// Connects, says so, and stays until its standard input ends.
const CONNECT: &str = "import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
sys.stdin.read()";

/// A real second process.
struct Real {
    callers: KernelCallers,
    folder: TempDir,
    peer: Option<Child>,
}

impl Real {
    fn new() -> Self {
        Self {
            callers: KernelCallers::default(),
            folder: tempfile::tempdir().unwrap(),
            peer: None,
        }
    }

    fn start(&mut self, script: &str) -> UnixListener {
        let path = self.folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let peer = Command::new(PYTHON)
            .args(["-I", "-c", script])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("/usr/bin/python3 is missing: run tests/provision/test.sh");
        self.peer = Some(peer);
        listener
    }

    fn caller(&mut self) -> (UnixStream, Caller) {
        let socket = self.start(CONNECT).accept().unwrap().0;
        let caller = self.callers.identify(socket.as_fd()).unwrap();
        (socket, caller)
    }

    /// Ends the peer and leaves it a zombie.
    fn kill(&mut self) {
        let peer = self.peer.as_mut().unwrap();
        peer.kill().unwrap();
        let id = WaitId::Pid(Pid::from_child(peer));
        waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Some(peer) = &mut self.peer {
            peer.kill().unwrap();
            peer.wait().unwrap();
        }
    }
}

impl Stage for Real {
    fn callers(&self) -> &dyn Callers {
        &self.callers
    }
    fn connect(&mut self) -> OwnedFd {
        self.start(CONNECT).accept().unwrap().0.into()
    }
    fn pins(&self) -> Pins {
        let own = process::cgroup(std::process::id().cast_signed()).unwrap();
        Pins {
            executable_sha256: Some(sha256(PYTHON)),
            cgroup: Some(own.to_str().unwrap().to_owned()),
            pid_namespace: Some(process::pid_namespace(std::process::id().cast_signed()).unwrap()),
        }
    }
    fn end(&mut self) {
        self.kill();
    }
    fn uid(&self) -> u32 {
        geteuid().as_raw()
    }
}

fn sha256(path: impl AsRef<Path>) -> String {
    let hash = digest(&SHA256, &fs::read(path).unwrap());
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn executable(path: impl AsRef<Path>) -> Pins {
    Pins {
        executable_sha256: Some(sha256(path)),
        cgroup: None,
        pid_namespace: None,
    }
}

#[test]
fn passes_the_contract() {
    suite(Real::new);
}

#[test]
fn neither_a_zombie_nor_a_reaped_process_is_alive() {
    let mut stage = Real::new();
    let (socket, caller) = stage.caller();
    assert_eq!(caller.pid, stage.peer.as_ref().unwrap().id().cast_signed());
    assert!(stage.callers.alive(&caller));
    stage.kill();
    assert!(
        process::started(caller.pid).is_ok(),
        "a zombie still has facts"
    );
    assert!(!stage.callers.alive(&caller), "zombie");
    stage.peer.as_mut().unwrap().wait().unwrap();
    assert!(process::started(caller.pid).is_err(), "reaped");
    assert!(!stage.callers.alive(&caller), "reaped");
    let late = stage.callers.identify(socket.as_fd());
    assert!(matches!(late, Err(CallerError::Gone)), "{late:?}");
}

/// The number of a process that ended now belongs to another, whose facts would fit.
#[test]
fn a_reused_number_is_not_the_caller() {
    let (mut gone, mut heir) = (Real::new(), Real::new());
    let (_old_socket, old) = gone.caller();
    let (_new_socket, new) = heir.caller();
    gone.kill();
    let reused = Caller {
        uid: old.uid,
        pid: new.pid,
        started: new.started,
        pidfd: old.pidfd,
    };
    let fits = executable(PYTHON);
    assert_eq!(heir.callers.satisfies(&new, &fits), Ok(()));
    assert!(!heir.callers.alive(&reused));
    let satisfied = heir.callers.satisfies(&reused, &fits);
    assert_eq!(satisfied, Err(Mismatch::Unknown));
}

#[test]
fn another_start_time_is_another_process() {
    let mut stage = Real::new();
    let (_socket, caller) = stage.caller();
    let other = Caller {
        started: caller.started + 1,
        ..caller
    };
    assert!(!stage.callers.alive(&other));
    let satisfied = stage.callers.satisfies(&other, &Pins::default());
    assert_eq!(satisfied, Err(Mismatch::Unknown));
}

/// Peers that end as soon as they have connected: each is described truly or not at all.
#[test]
fn peers_in_a_hurry_are_never_mistaken() {
    const PEERS: usize = 200;
    let hurry = "import os, socket, sys
for _ in range(200):
    child = os.fork()
    if child == 0:
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        s.send(b'%d' % os.getpid())
        os._exit(0)
    os.waitpid(child, 0)";
    let mut stage = Real::new();
    let listener = stage.start(hurry);
    for _ in 0..PEERS {
        let (mut socket, _) = listener.accept().unwrap();
        let described = stage.callers.identify(socket.as_fd());
        let mut own_word = String::new();
        socket.read_to_string(&mut own_word).unwrap();
        match described {
            Ok(caller) => assert_eq!(caller.pid.to_string(), own_word),
            Err(error) => assert!(matches!(error, CallerError::Gone), "{error:?}"),
        }
    }
}

#[test]
fn a_digest_follows_the_content_of_the_file() {
    let mut stage = Real::new();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let mut seen = Vec::new();
    // One after the other in the same place.
    for original in ["/usr/bin/cat", "/usr/bin/tail"] {
        drop(fs::remove_file(&program));
        fs::copy(original, &program).unwrap();
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let caller = by_hand(&child);
        let satisfied = stage.callers.satisfies(&caller, &executable(original));
        assert_eq!(satisfied, Ok(()), "{original}");
        for other in &seen {
            let satisfied = stage.callers.satisfies(&caller, &executable(other));
            assert_eq!(satisfied, Err(Mismatch::Executable), "{other}");
        }
        seen.push(original);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    let (_socket, python) = stage.caller();
    let satisfied = stage
        .callers
        .satisfies(&python, &executable("/usr/bin/cat"));
    assert_eq!(satisfied, Err(Mismatch::Executable));
}

/// What a kernel without `SO_PEERPIDFD` would be asked.
#[test]
fn by_number_only_the_living_are_found() {
    let mut child = Command::new("/usr/bin/cat")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let pidfd = open_by_number(pid).unwrap();
    assert!(super::runs(&pidfd).unwrap());
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(!super::runs(&pidfd).unwrap());
    assert!(matches!(open_by_number(pid), Err(CallerError::Gone)));
}

#[test]
fn what_is_no_unix_socket_has_no_caller() {
    let file = fs::File::open("/dev/null").unwrap();
    let described = KernelCallers::default().identify(file.as_fd());
    assert!(matches!(described, Err(CallerError::Kernel(_))));
}

#[test]
fn a_cgroup_is_compared_by_whole_names() {
    let inside = |cgroup, pinned| within(Path::new(cgroup), Path::new(pinned));
    assert!(inside("/agents/one", "/agents/one"));
    assert!(inside("/agents/one/deeper", "/agents/one/"));
    assert!(inside("/agents/one", "/"));
    for (cgroup, pinned) in [
        ("/agents/one", "/agents/on"),
        ("/agents/one", "/agents/one/deeper"),
        ("/agents/one (deleted)", "/agents/one"),
        ("/../agents/one", "/"),
        ("/agents/one", "/agents/x/../one"),
        ("/agents/one", "agents/one"),
        ("/agents/one", ""),
    ] {
        assert!(!inside(cgroup, pinned), "{cgroup:?} in {pinned:?}");
    }
}

fn by_hand(child: &Child) -> Caller {
    let pid = Pid::from_child(child);
    Caller {
        uid: geteuid().as_raw(),
        pid: pid.as_raw_pid(),
        started: process::started(pid.as_raw_pid()).unwrap(),
        pidfd: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
    }
}
