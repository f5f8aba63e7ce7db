//! Tests in a process of their own, for what reads the environment of its process.

use std::{env, fs, path::PathBuf, process::Command};

use super::{Place, Prepared, PrivateDesktop};

/// Set in the process that runs the body, to the place of its desktop.
const PLACE: &str = "VALETKEY_TEST_DESKTOP";

/// Runs `body` as part of the test called `test` (as `cargo test -- --list` shows it), in a process
/// that is inside a session of its own: D-Bus clients find its bus and no other. The session has
/// neither bus nor keyring until `body` starts them.
///
/// The test's binary runs itself a second time for that, because the environment of a running process
/// cannot be changed safely.
///
/// # Errors
/// When `body` fails, or did not run because `test` is not the name of this test.
pub fn in_own_process(
    test: &str,
    body: impl FnOnce(PrivateDesktop) -> Prepared<()>,
) -> Prepared<()> {
    if let Some(place) = env::var_os(PLACE) {
        let place = PathBuf::from(place);
        fs::write(place.join("ran"), test)?;
        return body(PrivateDesktop::at(Place(place), None)?);
    }
    let outer = PrivateDesktop::without_bus()?;
    let status = outer
        .host(&mut Command::new(env::current_exe()?))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(PLACE, &outer.place.0)
        .status()?;
    if !status.success() {
        return Err(format!("`{test}` failed in its own process ({status}); see above").into());
    }
    if fs::read_to_string(outer.place.0.join("ran"))
        .ok()
        .as_deref()
        != Some(test)
    {
        return Err(format!("no test of this binary is called `{test}`").into());
    }
    Ok(())
}
