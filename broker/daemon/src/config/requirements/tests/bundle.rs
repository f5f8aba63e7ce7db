//! Requirements that a fleet tool delivered, signed by the real `minisign`.

use std::{fs, process::Command};

use super::{MINE, Machine, set_mode, write};

const SIGNED: &str =
    "version = 7\nexpires = 2027-06-30T00:00:00Z\n[session]\nmax_lifetime = \"1h\"\n";

impl Machine {
    /// With the fleet's key, and nothing delivered yet.
    fn of_a_fleet() -> Self {
        let machine = Self::new(MINE);
        machine.minisign(&["-G", "-W", "-p", "etc/fleet.pub", "-s", "fleet.key"]);
        set_mode(&machine.at.key, 0o644);
        machine
    }

    fn deliver(&self, text: &str) {
        // As anybody might: the folder is open to all.
        set_mode(&self.path("var"), 0o777);
        fs::write(&self.at.bundle, text).unwrap();
        self.minisign(&[
            "-S",
            "-s",
            "fleet.key",
            "-m",
            "var/requirements.toml",
            "-t",
            "autumn",
        ]);
    }

    fn minisign(&self, arguments: &[&str]) {
        let output = Command::new("minisign")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("`minisign` is missing; run tests/provision/test.sh");
        assert!(output.status.success(), "{output:?}");
    }

    fn refused(&self, floor: Option<u64>, says: &str) {
        let error = self.load_above(floor).unwrap_err();
        assert!(error.starts_with("the admin's requirements: "), "{error}");
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_bundle_wins_wherever_it_was_written() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    let config = machine.load_above(Some(7)).unwrap();
    assert_eq!(config.session.max_lifetime, 3600);
    let force = config.requirements.unwrap();
    assert!(force.signed && force.enforced);
    assert_eq!((force.version, force.floor()), (Some(7), Some(7)));
    assert_eq!(force.ends(), Some(1_814_313_600));
    assert_eq!(force.digest, valetkey_bundle::digest(SIGNED.as_bytes()));
    let line = force.to_string();
    assert!(line.ends_with("var/requirements.toml (signed: autumn), version 7, until 2027-06-30T00:00:00Z, enforced"), "{line}");
}

#[test]
fn a_key_without_a_bundle_does_not_start() {
    let machine = Machine::of_a_fleet();
    machine.refused(None, "requirements.toml` is missing; deliver the bundle");
    machine.deliver(SIGNED);
    fs::remove_file(machine.at.signature()).unwrap();
    machine.refused(None, "requirements.toml.minisig` is missing");
    fs::create_dir(machine.at.signature()).unwrap();
    machine.refused(None, "is not a regular file");
}

#[test]
fn an_altered_bundle_does_not_start() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    fs::write(&machine.at.bundle, SIGNED.replace("1h", "9h")).unwrap();
    machine.refused(None, "does not count: its signature does not fit");
}

#[test]
fn a_bundle_of_another_key_does_not_start() {
    let (machine, stranger) = (Machine::of_a_fleet(), Machine::of_a_fleet());
    machine.deliver(SIGNED);
    stranger.deliver(SIGNED);
    fs::copy(stranger.at.signature(), machine.at.signature()).unwrap();
    machine.refused(None, "signed with another key");
}

#[test]
fn an_older_version_does_not_start() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    machine.refused(Some(8), "version 7 is older than version 8");
    // The same, where the floor is known only after the configuration.
    let force = machine.load().unwrap().requirements.unwrap();
    assert!(force.not_below(7).is_ok());
    assert!(
        force
            .not_below(8)
            .unwrap_err()
            .to_string()
            .contains("older than version 8")
    );
}

#[test]
fn what_is_over_does_not_start() {
    let machine = Machine::of_a_fleet();
    machine.deliver("version = 7\nexpires = 2027-01-15T08:00:00Z\n");
    machine.refused(None, "version 7 expired at 2027-01-15T08:00:00Z");
    machine.deliver("version = 7\n");
    machine.refused(None, "`expires`");
    machine.deliver("version = 8\nexpires = 2027-01-15T08:00:01Z\n");
    assert!(machine.load().is_ok());
}

#[test]
fn the_key_is_roots_as_the_file_would_be() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    set_mode(&machine.at.key, 0o666);
    machine.refused(None, "fleet.pub` can be written by others");
    set_mode(&machine.at.key, 0o644);
    write(&machine.at.key, "no key\n");
    machine.refused(None, "fleet.pub` it is not a minisign public key");
}

#[test]
fn a_bundle_and_a_file_are_one_too_many() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    write(&machine.at.file, "");
    machine.refused(None, "remove one of the two");
}

#[test]
fn without_a_key_a_bundle_is_nothing() {
    let machine = Machine::of_a_fleet();
    machine.deliver(SIGNED);
    fs::remove_file(&machine.at.key).unwrap();
    assert!(machine.load().unwrap().requirements.is_none());
}

#[test]
fn the_version_of_a_file_that_nobody_signed_is_no_floor() {
    let config = Machine::required(MINE, "version = 9\n").load().unwrap();
    let force = config.requirements.unwrap();
    assert_eq!((force.version, force.floor()), (Some(9), None));
    assert!(force.not_below(10).is_ok());
}
