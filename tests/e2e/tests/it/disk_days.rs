//! Bad days of the disk that holds the ledger: full, hanging, tampered with, of another time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails a test"
)]

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use valetkey_e2e::{Namespace, Session, Tail, World};

const TOKEN: &str = "token demo-api --scope api:read --json";

/// More requests than the room holds that the file still has when the disk is full.
const MANY: usize = 200;

/// A world whose ledger is alone on a small disk.
fn on_a_small_disk() -> (World, Namespace) {
    let mut world = World::new();
    let mut folder = DirBuilder::new();
    folder
        .recursive(true)
        .mode(0o700)
        .create(world.state())
        .expect("the folder can be made");
    let namespace = Namespace::with_disk(&world.state(), "8m");
    world.start_by(namespace.command());
    world.login("default", "alice").ok();
    world.login("boss", "boss").ok();
    (world, namespace)
}

#[test]
fn a_full_disk_issues_nothing_and_still_revokes() {
    let (mut world, disk) = on_a_small_disk();
    let (session, other) = (world.session("coder"), world.session("tester"));
    world.agent(&session, TOKEN).ok();
    disk.fill();

    let refused = (0..MANY)
        .map(|_| world.agent(&session, TOKEN))
        .find(|token| token.status != 0);
    refused
        .expect("the disk is full")
        .refused(1, "audit_unavailable");
    world
        .valetkey("session start --agent late --json")
        .refused(1, "audit_unavailable");
    world.valetkey("session list").ok();

    let revoke = format!(
        "admin revoke --session {} --reason left --account boss --json",
        session.id
    );
    let report = world.valetkey(&revoke).ok().json();
    assert_eq!(
        report["sessions"][0]["not_durable"],
        Value::Null,
        "{report}"
    );
    world.agent(&session, TOKEN).refused(3, "session_revoked");
    world.agent(&other, TOKEN).refused(1, "audit_unavailable");
    world.valetkey("audit verify").ok();

    // It starts all the same: somebody may have to revoke before there is room.
    world.kill();
    world.start_by(disk.command());
    stays_revoked(&world, &session);
    world.agent(&other, TOKEN).refused(1, "audit_unavailable");
    let revoke = "admin revoke --agent tester --reason left --account boss --json";
    let report = world.valetkey(revoke).ok().json();
    assert_eq!(
        report["sessions"][0]["not_durable"],
        Value::Null,
        "{report}"
    );
    world.agent(&other, TOKEN).refused(3, "session_revoked");

    disk.empty();
    world.stop();
    world.start_by(disk.command());
    stays_revoked(&world, &session);
    stays_revoked(&world, &other);
    world.valetkey("audit verify").ok();
}

/// After a restart too, when a session that is over has no socket any more.
fn stays_revoked(world: &World, session: &Session) {
    let shown = world
        .valetkey(&format!("session show {} --json", session.id))
        .ok()
        .json();
    assert_eq!(shown["state"], "revoked", "{shown}");
    assert_eq!(world.agent(session, TOKEN).status, 7);
}

#[test]
fn a_disk_with_room_again_is_used_without_a_restart() {
    let (world, disk) = on_a_small_disk();
    let session = world.session("coder");
    disk.fill();
    let refused = (0..MANY).any(|_| world.agent(&session, TOKEN).status != 0);
    assert!(refused, "the disk is full");
    disk.empty();
    world.agent(&session, TOKEN).ok();
    world.valetkey("audit verify").ok();
}

/// Somebody else's hold on the database: to the broker, a disk that does not answer.
struct Hold(Child);

impl Hold {
    fn on(world: &World) -> Self {
        let mut child = Command::new("sqlite3")
            .args(["-bail", "-init", "/dev/null"])
            .arg(world.database())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3 starts; `make test` installs it");
        let begin = b".timeout 20000\nBEGIN IMMEDIATE;\nSELECT 'held';\n";
        let stdin = child.stdin.as_mut().expect("its input is piped");
        stdin.write_all(begin).expect("it can be told");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it answers");
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("it can be waited for");
    }
}

#[test]
fn a_hanging_disk_issues_nothing_keeps_nobody_waiting_and_recovers() {
    let mut world = World::at_work();
    world.stop();
    world.configure("[limits]\nledger_deadline = \"1s\"\n");
    world.start();
    let (session, other) = (world.session("coder"), world.session("tester"));
    world.agent(&session, TOKEN).ok();
    let ledger = Tail::of(&world);
    let is_token = |record: &Value| record["event"] == "token_issued";
    ledger.until(is_token);

    let hold = Hold::on(&world);
    for _ in 0..3 {
        world.agent(&session, TOKEN).refused(1, "audit_unavailable");
    }
    world.valetkey("session list").ok();
    world.agent(&session, "grants").ok();
    let revoke = format!(
        "admin revoke --session {} --reason left --account boss --json",
        other.id
    );
    let report = world.valetkey(&revoke).ok().json();
    assert_ne!(
        report["sessions"][0]["not_durable"],
        Value::Null,
        "it says so: {report}"
    );
    world.agent(&other, TOKEN).refused(3, "session_revoked");

    hold.end();
    // The one request that was on its way to the disk is recorded, though nobody got its token.
    ledger.until(is_token);
    ledger.until(|record| record["event"] == "session_changed");
    world.agent(&session, TOKEN).ok();
    world.agent(&other, TOKEN).refused(3, "session_revoked");
    world.valetkey("audit verify").ok();

    world.kill();
    world.start();
    stays_revoked(&world, &other);
    world.agent(&session, TOKEN).ok();
}

/// Records that `audit verify` complains of, by their places.
fn faults(world: &World) -> Vec<u64> {
    let verified = world.valetkey("audit verify --json");
    let report = verified.json();
    let faults: Vec<u64> = report["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|fault| fault["sequence"].as_u64())
        .collect();
    assert_eq!(
        verified.status,
        i32::from(!faults.is_empty()),
        "{verified:?}"
    );
    faults
}

/// A ledger with some records, and the broker stopped.
fn recorded() -> World {
    let mut world = World::at_work();
    let session = world.session("coder");
    for _ in 0..5 {
        world.agent(&session, TOKEN).ok();
    }
    assert_eq!(faults(&world), Vec::<u64>::new());
    world.stop();
    world
}

#[test]
fn an_edit_a_swap_and_a_gap_are_named() {
    let mut world = recorded();
    world
        .sql("UPDATE records SET record = replace(record, 'alice', 'mallory') WHERE sequence = 2;");
    assert!(
        world
            .sql("SELECT record FROM records WHERE sequence = 2;")
            .contains("mallory")
    );
    world.start();
    assert!(faults(&world).contains(&2));

    world.stop();
    world.sql(
        "UPDATE records SET sequence = -1 WHERE sequence = 5;
        UPDATE records SET sequence = 5 WHERE sequence = 6;
        UPDATE records SET sequence = 6 WHERE sequence = -1;",
    );
    world.start();
    let found = faults(&world);
    assert!(
        [2, 5, 6].iter().all(|place| found.contains(place)),
        "{found:?}"
    );

    world.stop();
    world.sql("DELETE FROM records WHERE sequence = 8;");
    world.start();
    let found = faults(&world);
    assert!(
        [2, 5, 6, 8].iter().all(|place| found.contains(place)),
        "{found:?}"
    );
    let told = world.valetkey("audit verify");
    assert!(told.stdout.contains("record 8: "), "{told:?}");
}

#[test]
fn an_end_that_was_cut_off_is_missed_even_with_its_traces_gone() {
    let mut world = recorded();
    let last: u64 = world
        .sql("SELECT max(sequence) FROM records;")
        .trim()
        .parse()
        .expect("a number");
    let cut = last - 3;
    // All that speaks of it in the file goes too; the keyring remembers.
    world.sql(&format!(
        "DELETE FROM records WHERE sequence > {cut};
        DELETE FROM checkpoints WHERE sequence > {cut};
        DELETE FROM leases WHERE sequence > {cut};
        UPDATE sessions SET changed = min(changed, {cut});
        UPDATE logins SET changed = min(changed, {cut});"
    ));
    world.start();
    let found = faults(&world);
    assert!(found.contains(&last), "{last}: {found:?}");
}

#[test]
fn a_ledger_that_was_replaced_is_not_taken_for_the_old_one() {
    let mut world = recorded();
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        drop(fs::remove_file(world.state().join(file)));
    }
    world.start();
    assert_ne!(faults(&world), Vec::<u64>::new());
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let mut world = recorded();
    world.sql("PRAGMA user_version = 99;");
    let before = fs::read(world.database()).expect("it is there");
    let refused = world.fail_to_start(Command::new("env"));
    assert_eq!(refused.status, 1, "{refused:?}");
    for said in ["newer valetkey", "format 99", "install the newer one"] {
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    assert_eq!(fs::read(world.database()).expect("it is there"), before);
    world.sql("PRAGMA user_version = 3;");
    world.start();
}

#[test]
fn what_others_could_write_is_not_used() {
    let mut world = recorded();
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("modes can be set");
    };
    for (path, open, closed) in [
        (world.state(), 0o777, 0o700),
        (world.database(), 0o666, 0o600),
        (
            world.folder().join("config/valetkey/config.toml"),
            0o666,
            0o600,
        ),
        (world.runtime(), 0o777, 0o700),
    ] {
        mode(&path, open);
        let refused = world.fail_to_start(Command::new("env"));
        assert!(matches!(refused.status, 1 | 2), "{refused:?}");
        let name = path.display().to_string();
        assert!(refused.stderr.contains(&name), "{refused:?}");
        assert!(
            refused.stderr.contains("chmod"),
            "it says what to do: {refused:?}"
        );
        mode(&path, closed);
    }
    world.start();
}
