//! Bundles that the real `minisign` signed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use valetkey_bundle::{BadKey, Bundle, BundleError, FleetKey};

/// 2027-01-15T08:00:00Z.
const NOW: u64 = 1_800_000_000;
const TEXT: &str =
    "version = 7\nexpires = 2027-06-30T00:00:00Z\n[session]\nmax_lifetime = \"1h\"\n";

/// A folder with a key pair of its own.
struct Fleet(TempDir);

impl Fleet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        minisign(
            folder.path(),
            &["-G", "-W", "-p", "fleet.pub", "-s", "fleet.key"],
        );
        Self(folder)
    }

    fn key(&self) -> FleetKey {
        FleetKey::parse(&fs::read_to_string(self.0.path().join("fleet.pub")).unwrap()).unwrap()
    }

    /// The signature of `text`; `more` goes to minisign.
    fn sign(&self, text: &str, more: &[&str]) -> String {
        let folder = self.0.path();
        fs::write(folder.join("bundle.toml"), text).unwrap();
        let mut arguments = vec!["-S", "-s", "fleet.key", "-m", "bundle.toml"];
        arguments.extend(more);
        minisign(folder, &arguments);
        fs::read_to_string(folder.join("bundle.toml.minisig")).unwrap()
    }

    fn open(&self, text: &str, floor: Option<u64>, now: u64) -> Result<Bundle, BundleError> {
        let signature = self.sign(text, &[]);
        Bundle::open(&self.key(), text.into(), &signature, floor, now)
    }
}

fn minisign(folder: &Path, arguments: &[&str]) {
    let output = Command::new("minisign")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("`minisign` is missing; run tests/provision/test.sh");
    assert!(
        output.status.success(),
        "minisign {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn what_was_signed_counts() {
    let fleet = Fleet::new();
    let bundle = fleet.open(TEXT, None, NOW).unwrap();
    assert_eq!(bundle.text(), TEXT);
    assert_eq!(bundle.header().version, 7);
    assert_eq!(bundle.header().expires.0, 1_814_313_600);
}

#[test]
fn both_kinds_of_signature_count() {
    let fleet = Fleet::new();
    let prehashed = fleet.sign(TEXT, &["-H"]);
    let legacy = fleet.sign(TEXT, &["-l"]);
    // The second line begins with the algorithm: `ED` for prehashed, `Ed` for legacy.
    let kind = |signature: &str| {
        signature
            .lines()
            .nth(1)
            .unwrap()
            .get(..2)
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (kind(&prehashed).as_str(), kind(&legacy).as_str()),
        ("RU", "RW")
    );
    for signature in [prehashed, legacy] {
        Bundle::open(&fleet.key(), TEXT.into(), &signature, None, NOW).unwrap();
    }
}

#[test]
fn the_signers_note_is_shown_and_must_be_theirs() {
    let fleet = Fleet::new();
    let signature = fleet.sign(TEXT, &["-t", "autumn \u{1b}[2J"]);
    let open = |signature: &str| Bundle::open(&fleet.key(), TEXT.into(), signature, None, NOW);
    assert_eq!(open(&signature).unwrap().comment(), "autumn \u{fffd}[2J");
    let forged = signature.replace("autumn", "winter");
    assert_eq!(open(&forged).unwrap_err(), BundleError::Altered);
}

#[test]
fn one_altered_byte_is_found() {
    let fleet = Fleet::new();
    let signature = fleet.sign(TEXT, &[]);
    for at in 0..TEXT.len() {
        let mut altered = TEXT.as_bytes().to_vec();
        altered[at] ^= 1;
        let error = Bundle::open(&fleet.key(), altered, &signature, None, NOW).unwrap_err();
        assert_eq!(error, BundleError::Altered, "byte {at}");
    }
}

#[test]
fn another_key_does_not_count() {
    let (fleet, stranger) = (Fleet::new(), Fleet::new());
    let signature = stranger.sign(TEXT, &[]);
    let open = |signature: &str| {
        Bundle::open(&fleet.key(), TEXT.into(), signature, None, NOW).unwrap_err()
    };
    assert_eq!(open(&signature), BundleError::OtherKey);
    // With the fleet's key id on the stranger's signature.
    let theirs = fleet.sign(TEXT, &[]);
    let id = |signature: &str| {
        signature
            .lines()
            .nth(1)
            .unwrap()
            .get(2..14)
            .unwrap()
            .to_owned()
    };
    let dressed_up = signature.replacen(&id(&signature), &id(&theirs), 1);
    assert_eq!(open(&dressed_up), BundleError::Altered);
}

#[test]
fn a_signature_of_something_else_is_none() {
    let fleet = Fleet::new();
    for junk in [
        "",
        "hello",
        "a\nb\nc\nd\n",
        "untrusted comment: x\nRUQ=\ntrusted comment: y\nRUQ=\n",
    ] {
        let error = Bundle::open(&fleet.key(), TEXT.into(), junk, None, NOW).unwrap_err();
        assert_eq!(error, BundleError::NoSignature, "{junk:?}");
    }
    let other = fleet.sign("version = 8\nexpires = 2028-01-01T00:00:00Z\n", &[]);
    let error = Bundle::open(&fleet.key(), TEXT.into(), &other, None, NOW).unwrap_err();
    assert_eq!(error, BundleError::Altered);
}

#[test]
fn an_end_is_an_end() {
    let fleet = Fleet::new();
    assert!(fleet.open(TEXT, None, 1_814_313_599).is_ok());
    let error = fleet.open(TEXT, None, 1_814_313_600).unwrap_err();
    assert_eq!(
        error.to_string(),
        "version 7 expired at 2027-06-30T00:00:00Z; deliver a newer one"
    );
}

#[test]
fn a_version_never_goes_down() {
    let fleet = Fleet::new();
    assert!(fleet.open(TEXT, Some(6), NOW).is_ok());
    assert!(fleet.open(TEXT, Some(7), NOW).is_ok());
    assert_eq!(
        fleet.open(TEXT, Some(8), NOW).unwrap_err(),
        BundleError::RolledBack {
            version: 7,
            floor: 8
        }
    );
}

#[test]
fn version_and_end_must_be_there() {
    let fleet = Fleet::new();
    for (text, says) in [
        ("expires = 2027-06-30T00:00:00Z\n", "version"),
        ("version = 7\n", "expires"),
        ("version = -1\nexpires = 2027-06-30T00:00:00Z\n", "version"),
        ("version = 7\nexpires = 2027-06-30\n", "RFC 3339"),
        ("not toml", "version"),
    ] {
        let error = fleet.open(text, None, NOW).unwrap_err();
        assert!(matches!(error, BundleError::Header(_)), "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

#[test]
fn a_key_is_one_of_minisign() {
    let fleet = Fleet::new();
    let text = fs::read_to_string(fleet.0.path().join("fleet.pub")).unwrap();
    assert!(
        FleetKey::parse(text.lines().nth(1).unwrap()).is_ok(),
        "the second line alone"
    );
    for junk in [
        "",
        "RWQ",
        "untrusted comment: x\n",
        "-----BEGIN PUBLIC KEY-----\nMCow\n",
    ] {
        assert!(matches!(FleetKey::parse(junk), Err(BadKey)), "{junk:?}");
    }
}
