//! A desktop session for each test, and a keyring in it.

use std::time::Duration;

use tokio::runtime::Runtime;
use valetkey_keyring::{OsKeyring, StoreKind};
use valetkey_support::desktop::{Prepared, PrivateDesktop, in_own_process};

/// A deadline that is not reached unless something is wrong.
pub(crate) const PATIENT: Duration = Duration::from_secs(30);

/// The Secret Service of the session that this process is in.
pub(crate) fn keyring(namespace: &str, deadline: Duration) -> OsKeyring {
    OsKeyring::new(StoreKind::SecretService, namespace, deadline)
}

/// Runs `body` in a session of its own, on a runtime; `test` is the name of the test that calls.
pub(crate) fn inside(test: &str, body: impl AsyncFnOnce(PrivateDesktop) -> Prepared<()>) {
    in_own_process(test, |desktop| Runtime::new()?.block_on(body(desktop))).unwrap();
}
