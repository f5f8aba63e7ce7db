//! What admins run.

use crate::stub::Stub;

#[test]
fn the_account_that_carries_the_authority_is_named() {
    let stub = Stub::start();
    let listed = stub.owner("admin sessions --account boss").ok().stdout;
    assert!(
        listed.starts_with("id   agent  user  state   ends in\ns-1  coder  word  active  "),
        "{listed}"
    );
    assert_eq!(stub.last(), "sessions as boss");
}

#[test]
fn each_target_is_passed_on() {
    let stub = Stub::start();
    for (target, heard) in [
        ("--session s-1", "Session(\"s-1\")"),
        ("--user alice", "User(\"alice\")"),
        ("--agent coder", "Agent(\"coder\")"),
        ("--all --yes", "All(true)"),
        ("--all", "All(true)"),
    ] {
        stub.owner(&format!(
            "admin revoke {target} --reason drill --account boss"
        ))
        .ok();
        assert_eq!(
            stub.last(),
            format!("RevokeRequest {{ reason: \"drill\", target: Some({heard}) }} as boss"),
        );
    }
}

#[test]
fn the_report_says_what_was_done_and_what_remains() {
    let stub = Stub::start();
    let report = stub
        .owner("admin revoke --session s-1 --reason drill --account boss")
        .ok()
        .stdout;
    assert!(
        report.starts_with("Revoked 1 session and cut 3 connections in 1.234 ms.\n"),
        "{report}"
    );
    assert!(report.contains("2100-01-01 00:00:00  no: word"), "{report}");
    let json = stub
        .owner("admin revoke --session s-1 --reason drill --account boss --json")
        .ok()
        .json();
    assert_eq!(json["elapsed_microseconds"], 1_234);
    assert_eq!(json["sessions"][0]["session"]["id"], "s-1");
    assert_eq!(json["sessions"][0]["tokens_outstanding"], 2);
}

#[test]
fn a_revocation_without_one_target_or_a_reason_does_nothing() {
    let stub = Stub::start();
    for arguments in [
        "admin revoke --reason drill",
        "admin revoke --session s-1",
        "admin revoke --session s-1 --user alice --reason drill",
        "admin revoke --session s-1 --reason  ",
    ] {
        assert_eq!(stub.owner(arguments).status, 2, "{arguments}");
    }
    assert!(stub.heard().is_empty());
}
