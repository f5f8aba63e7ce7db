//! The real kernel keyring of whoever runs the tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    process::{self, Command},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use valetkey_core::ports::{Persistence, SecretKey, SecretStore as _, StoreError};
use valetkey_keyring::{OsKeyring, StoreKind};
use valetkey_support::contracts::secret_store::{named, read, secret, suite};

/// What the kernel takes in one key, and what leaves room in an ordinary user's 20,000 bytes.
const LARGEST: usize = 32_767;
const MODEST: usize = 4_096;

fn keyring(namespace: &str) -> OsKeyring {
    OsKeyring::new(StoreKind::Kernel, namespace, Duration::from_secs(10))
}

/// A namespace that no other test, and no other run of this one, uses.
fn fresh() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{count}", process::id())
}

#[tokio::test]
async fn keeps_the_contract() {
    let largest = if unlimited() { LARGEST } else { MODEST };
    suite(|| Arc::new(keyring(&fresh())), largest).await;
}

#[tokio::test]
async fn a_new_process_finds_what_the_last_one_stored() {
    let namespace = fresh();
    let key = named("kept");
    let first = keyring(&namespace);
    assert_eq!(first.write(&key, secret(b"value")).await, Ok(()));
    drop(first);
    let second = keyring(&namespace);
    assert_eq!(read(&second, &key).await, Ok(b"value".into()));
    assert_eq!(second.delete(&key).await, Ok(()));
}

/// What a program started by the broker gets to see: the name is not a secret, the value is.
#[tokio::test]
async fn the_session_keyring_of_the_process_gains_nothing() {
    let before = links("@s");
    let store = keyring(&fresh());
    let key = SecretKey::Ledger;
    assert_eq!(store.write(&key, secret(b"value")).await, Ok(()));
    let after = links("@s");
    assert_eq!(store.delete(&key).await, Ok(()));
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_value_over_the_kernels_limit_is_refused_with_the_limit() {
    let store = keyring(&fresh());
    let key = named("big");
    let refused = store.write(&key, secret(&vec![7; LARGEST + 1])).await;
    assert_eq!(
        refused,
        Err(StoreError::Denied(
            "the kernel keeps at most 32767 bytes in one entry".into()
        ))
    );
    assert_eq!(read(&store, &key).await, Err(StoreError::NoEntry));
}

#[tokio::test]
async fn says_how_long_it_lasts() {
    let report = keyring(&fresh()).inspect().await;
    assert_eq!(report.kind, "kernel");
    assert_eq!(report.persistence, Persistence::UntilReboot);
}

/// A neighbour's key with a description that the library could not take must not disturb us.
#[tokio::test]
async fn strange_neighbours_do_not_hide_our_names() {
    let namespace = fresh();
    let store = keyring(&namespace);
    assert_eq!(store.write(&named("ours"), secret(b"value")).await, Ok(()));
    let long = format!("{namespace} {}", "x".repeat(2000));
    let neighbour = keyctl(&["add", "user", &long, "value", "@u"]);
    let names = store.inspect().await.names;
    keyctl(&["unlink", neighbour.trim(), "@u"]);
    assert_eq!(store.delete(&named("ours")).await, Ok(()));
    assert_eq!(names.len(), 1);
}

/// Root's quota has room for the largest key; an ordinary user's has not.
fn unlimited() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// What is directly in a keyring of this process.
fn links(ring: &str) -> String {
    keyctl(&["rlist", ring])
}

fn keyctl(arguments: &[&str]) -> String {
    let output = Command::new("keyctl")
        .args(arguments)
        .output()
        .map_err(|error| format!("`keyctl` does not start ({error}); run tests/provision/test.sh"))
        .unwrap();
    assert!(output.status.success(), "keyctl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
