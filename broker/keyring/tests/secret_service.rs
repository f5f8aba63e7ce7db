//! A real GNOME Keyring on a bus of its own, open and in working order.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod session;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use valetkey_core::ports::{Persistence, SecretKey, SecretStore as _, StoreState};
use valetkey_support::contracts::secret_store::{named, read, secret, suite};

use session::{PATIENT, inside, keyring};

const CANARY: &str = "canary-7f3a9c-of-the-keyring";

#[test]
fn keeps_the_contract() {
    inside("keeps_the_contract", async |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        // Kept to the end: GNOME Keyring can crash when one client leaves as another comes, and what
        // is tested here is one broker, not a crowd of them.
        let made = Mutex::new(Vec::new());
        let make = || {
            let mut made = made.lock().unwrap();
            let store = Arc::new(keyring(&format!("test-{}", made.len()), PATIENT));
            made.push(Arc::clone(&store));
            store
        };
        suite(make, 64 * 1024).await;
        Ok(())
    });
}

#[test]
fn says_who_provides_it() {
    inside("says_who_provides_it", async |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        let report = keyring("default", PATIENT).inspect().await;
        assert_eq!(report.kind, "secret-service");
        assert_eq!(report.vendor, "GNOME Keyring");
        assert_eq!(report.persistence, Persistence::UntilDelete);
        assert_eq!(report.state, StoreState::Ready);
        Ok(())
    });
}

#[test]
fn the_entry_is_legible_but_for_the_secret() {
    inside(
        "the_entry_is_legible_but_for_the_secret",
        async |mut desktop| {
            desktop.start_bus()?;
            desktop.start_keyring()?;
            let store = keyring("default", PATIENT);
            let written = store
                .write(&named("github"), secret(CANARY.as_bytes()))
                .await;
            assert_eq!(written, Ok(()));
            let found = Command::new("secret-tool")
                .args(["search", "--all", "service", "valetkey"])
                .output()
                .map_err(|error| format!("`secret-tool`: {error}; run tests/provision/test.sh"))?;
            // It prints the attributes to its standard error.
            let found = [found.stdout, found.stderr].map(|text| String::from_utf8(text).unwrap());
            let (secrets, rest): (Vec<_>, Vec<_>) = found
                .iter()
                .flat_map(|text| text.lines())
                .partition(|line| line.starts_with("secret = "));
            assert_eq!(secrets, [format!("secret = {CANARY}")]);
            let rest = rest.join("\n");
            assert!(!rest.contains(CANARY), "{rest}");
            assert!(
                rest.contains("label = Valetkey default/secret/github"),
                "{rest}"
            );
            assert!(
                rest.contains("attribute.username = default/secret/github"),
                "{rest}"
            );
            Ok(())
        },
    );
}

#[test]
fn no_plain_text_reaches_the_disk() {
    inside("no_plain_text_reaches_the_disk", async |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        let store = keyring("default", PATIENT);
        for key in [named("github"), SecretKey::Ledger] {
            let written = store.write(&key, secret(CANARY.as_bytes())).await;
            assert_eq!(written, Ok(()));
            assert_eq!(read(&store, &key).await, Ok(CANARY.into()));
        }
        let files = files(&desktop.home());
        let kept = files.iter().any(|path| path.ends_with("login.keyring"));
        assert!(kept, "the keyring keeps its file elsewhere: {files:?}");
        for file in files {
            let bytes = fs::read(&file)?;
            let seen = bytes
                .windows(CANARY.len())
                .any(|part| part == CANARY.as_bytes());
            assert!(!seen, "{}", file.display());
        }
        Ok(())
    });
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}
