//! What `harden` keeps other processes of the same user from. Alone in its file, because it changes
//! its own process for good.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test"
)]

use std::{
    env, fs,
    os::{
        fd::AsFd as _,
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Resource, geteuid, getrlimit};
use valetkey_core::{
    Pins,
    doctor::Health,
    ports::{Callers as _, Mismatch},
};
use valetkey_host::{KernelCallers, harden};

const NAME: &str = "other_processes_of_the_user_are_kept_out";

#[test]
fn other_processes_of_the_user_are_kept_out() {
    // Root may read everything: what is promised holds for ordinary users, so be one.
    if geteuid().is_root() {
        return again_as_an_ordinary_user();
    }
    let ours = format!("/proc/{}", std::process::id());
    let environ = format!("{ours}/environ");
    assert!(opens(&environ), "the test would see nothing being refused");

    let findings = harden();

    for finding in &findings {
        assert_eq!(finding.health, Health::Well, "{finding:?}");
    }
    for closed in ["environ", "mem", "maps", "fd", "exe"] {
        assert!(!opens(&format!("{ours}/{closed}")), "{closed}");
    }
    let core = getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    callers_are_still_known(folder.path());
}

/// A process that is not dumpable does not own its own `/proc`; what is needed of it must work.
fn callers_are_still_known(folder: &Path) {
    let path = folder.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let _peer = UnixStream::connect(&path).unwrap();
    let (socket, _) = listener.accept().unwrap();
    let callers = KernelCallers::default();
    let caller = callers.identify(socket.as_fd()).unwrap();
    assert!(callers.alive(&caller));
    let other = Pins {
        executable_sha256: Some("0".repeat(64)),
        cgroup: None,
        pid_namespace: None,
    };
    let satisfied = callers.satisfies(&caller, &other);
    assert_eq!(satisfied, Err(Mismatch::Executable), "it was not read");
}

/// Whether a child of the same user can open it.
fn opens(path: &str) -> bool {
    let script = r#"if [ -d "$1" ]; then ls "$1/"; else exec 3<"$1"; fi"#;
    let status = Command::new("/bin/sh")
        .args(["-c", script, "sh", path])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.success()
}

/// Runs this test from a copy that an ordinary user can reach.
fn again_as_an_ordinary_user() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("harden");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&program)
        .args([NAME, "--exact", "--nocapture"])
        .current_dir("/")
        .env("TMPDIR", "/tmp")
        .output()
        .expect("setpriv is missing: run tests/provision/test.sh");
    let report = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && report.contains("1 passed");
    assert!(
        passed,
        "{report}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
