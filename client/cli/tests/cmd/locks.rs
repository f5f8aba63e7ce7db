//! Locks, and sessions that are held.

use crate::doors::HELD;
use crate::stub::{Script, Stub};

#[test]
fn the_owner_locks_and_unlocks() {
    let stub = Stub::start();
    let locked = stub.owner("lock --reason lunch").ok().stdout;
    assert!(locked.contains("Lift it: valetkey unlock"), "{locked}");
    assert_eq!(stub.last(), "LockRequest { reason: \"lunch\" }");
    assert_eq!(stub.owner("lock --json").ok().json()["locked"], true);
    assert_eq!(
        stub.owner("unlock").ok().stdout,
        "This machine is unlocked.\n"
    );
    assert_eq!(stub.owner("unlock --json").ok().json()["locked"], false);
}

#[test]
fn a_lock_of_the_admins_is_told_and_not_taken_for_success() {
    let stub = Stub::with(Script {
        ill: true,
        ..Script::default()
    });
    let unlocked = stub.owner("unlock");
    assert_eq!(unlocked.status, 3, "{unlocked:?}");
    assert!(
        unlocked
            .stdout
            .contains("still locked by an admin (word) since 2001-09-09 01:46:40: word."),
        "{unlocked:?}"
    );
    let json = stub.owner("unlock --json");
    assert_eq!(json.status, 3);
    assert_eq!(json.json()["admin"]["reason"], "word");
}

#[test]
fn an_admin_locks_with_the_authority_of_an_account() {
    let stub = Stub::start();
    stub.owner("admin lock --reason drill --account boss").ok();
    assert_eq!(stub.last(), "LockRequest { reason: \"drill\" } as boss");
    let json = stub.owner("admin unlock --account boss --json").ok().json();
    assert_eq!(json["admin_lock"], false);
    assert_eq!(stub.last(), "unlock as boss");
}

#[test]
fn status_tells_of_locks_questions_and_requirements() {
    let stub = Stub::start();
    let shown = stub.owner("status").ok().stdout;
    for line in [
        "This machine is locked by an admin (word) since 2001-09-09 01:46:40: word.",
        "3 questions wait for a person: valetkey approvals",
        "required: word",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    let json = stub.owner("status --json").ok().json();
    assert_eq!(json["locks"][0]["holder"], "admin");
    assert_eq!(json["open_approvals"], 3);
    assert_eq!(json["requirements"][0], "word");
}

#[test]
fn a_session_that_is_held_says_why_and_is_woken() {
    let stub = Stub::start();
    let listed = stub.owner("session list").ok().stdout;
    assert!(
        listed.ends_with(&format!(
            "{HELD} is held: word. Wake it: valetkey session resume {HELD}\n"
        )),
        "{listed}"
    );
    let woken = stub.owner("session resume 7fdaf21b").ok().stdout;
    assert_eq!(woken, format!("Session {HELD} is active.\n"));
    assert_eq!(
        stub.last(),
        format!("ResumeSessionRequest {{ id: \"{HELD}\" }}")
    );
}
