//! Tests as an ordinary user runs them, who has no rights that root would lend.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;

use crate::{Outcome, World, program, repository};

/// Runs `body` as an ordinary user: here, where the test is one already; else by running this test (as
/// `cargo test -- --list` shows it) a second time as `nobody`, from a folder which that user can reach.
pub fn as_ordinary_user(test: &str, body: impl FnOnce()) {
    if !geteuid().is_root() {
        return body();
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        fs::set_permissions(&to, Permissions::from_mode(0o755)).expect("its mode can be set");
        to
    };
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its mode");
    for name in ["valetkeyd", "valetkey"] {
        place(&program(name), name);
    }
    place(
        &repository().join("tests/providers/browser.py"),
        "browser.py",
    );
    let own = env::current_exe().expect("a test knows its own path");
    let own = place(&own, "ordinary_user");

    let mut again = Command::new("prlimit");
    again
        .args(["--core=unlimited:unlimited", "setpriv", "--reuid=nobody"])
        .args(["--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .arg(own)
        .args([test, "--exact", "--nocapture"])
        .current_dir(folder.path());
    let outcome = Outcome::of(&mut again, b"");
    // What it reported is this test's report.
    drop(io::stdout().write_all(outcome.stdout.as_bytes()));
    assert!(
        outcome.status == 0 && outcome.stdout.contains("1 passed"),
        "as nobody, status {}:\n{}{}",
        outcome.status,
        outcome.stdout,
        outcome.stderr
    );
}

impl World {
    /// Logs alice and boss in, with a browser that an ordinary user may start.
    pub fn log_in(&self) {
        for (account, user) in [("default", "alice"), ("boss", "boss")] {
            let mut login = self.command(["login", "--account", account]);
            login
                .env("BROWSER", beside_the_test("browser.py"))
                .env("VALETKEY_TEST_USER", user);
            Outcome::of(&mut login, b"").ok();
        }
    }
}

fn beside_the_test(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let copy = test.with_file_name(name);
    if copy.exists() {
        copy
    } else {
        repository().join("tests/providers").join(name)
    }
}
