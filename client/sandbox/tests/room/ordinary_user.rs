//! All of it as an ordinary user, who has no rights that root would lend. Where the tests run as root,
//! they run once more as `nobody`.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use rustix::process::geteuid;

#[test]
fn everything_again() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its mode");
    let own = env::current_exe().expect("a test knows its own path");
    let copy = folder.path().join("room");
    fs::copy(own, &copy).expect("a copy");
    let output = Command::new("setpriv")
        .args([
            "--reuid=nobody",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(&copy)
        .args(["--skip", "start::", "--test-threads=2"])
        .current_dir(folder.path())
        .env("HOME", "/nonexistent")
        .output()
        .expect("setpriv runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
