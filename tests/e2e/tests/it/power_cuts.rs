//! `kill -9` at every step of a request: no token without its record, nothing half-written.
#![expect(clippy::expect_used, reason = "what fails here fails a test")]

use std::fs;

use valetkey_e2e::World;

/// What must be found in the ledger after a cut at this step of a token request.
struct Cut {
    point: &'static str,
    intended: usize,
    issued: usize,
}

/// Every step of `flow::token`, for a source that acts outside the broker, so that both records are
/// written.
const CUTS: &[Cut] = &[
    cut("before callers.identify", 0, 0),
    cut("before policy.decide", 0, 0),
    cut("after policy.decide", 0, 0),
    cut("before ledger.record token_intended", 0, 0),
    cut("after ledger.record token_intended", 1, 0),
    cut("before sources.obtain", 1, 0),
    cut("after sources.obtain", 1, 0),
    cut("before callers.alive", 1, 0),
    cut("after callers.alive", 1, 0),
    cut("before ledger.record token_issued", 1, 0),
    cut("after ledger.record token_issued", 1, 1),
];

const fn cut(point: &'static str, intended: usize, issued: usize) -> Cut {
    Cut {
        point,
        intended,
        issued,
    }
}

/// A world whose broker dies at `point`, once armed.
fn doomed(world: &mut World, point: &str) {
    let armed = world.folder().join("armed");
    drop(fs::remove_file(&armed));
    let armed = armed.to_str().expect("a plain path").to_owned();
    world.start_as(
        "valetkeyd-faulty",
        &[
            ("VALETKEY_TEST_POINT", point),
            ("VALETKEY_TEST_ARMED", &armed),
            ("VALETKEY_TEST_UPSTREAM", "1"),
        ],
    );
}

fn arm(world: &World) {
    fs::write(world.folder().join("armed"), "").expect("the broker can be armed");
}

/// Waits for the death and brings the real broker up again.
fn after_the_cut(world: &mut World) {
    assert_eq!(world.take_broker().wait(), None, "it died by the signal");
    world.start();
    let verified = world.valetkey("audit verify --json");
    assert_eq!(verified.status, 0, "the ledger is whole: {verified:?}");
}

#[test]
fn no_token_without_its_record() {
    let mut world = World::at_work();
    let (mut intended, mut issued) = (0, 0);
    for cut in CUTS {
        world.stop();
        doomed(&mut world, cut.point);
        let session = world.session("coder");
        arm(&world);
        let refused = world.agent(&session, "token demo-api --scope api:read");
        assert_eq!(
            (refused.status, refused.stdout.as_str()),
            (7, ""),
            "{}",
            cut.point
        );
        after_the_cut(&mut world);

        intended += cut.intended;
        issued += cut.issued;
        assert_eq!(
            world.records("token_intended").len(),
            intended,
            "{}",
            cut.point
        );
        assert_eq!(world.records("token_issued").len(), issued, "{}", cut.point);

        let token = world
            .agent(&session, "token demo-api --scope api:read")
            .ok();
        assert!(
            !token.stdout.trim().is_empty(),
            "the session goes on: {}",
            cut.point
        );
        issued += 1;
    }
}

#[test]
fn a_session_is_there_wholly_or_not_at_all() {
    let mut world = World::at_work();
    for (point, lives) in [
        ("before sessions.save", false),
        ("after sessions.save", true),
        ("before doors.open", true),
    ] {
        world.stop();
        doomed(&mut world, point);
        let before = live_sessions(&world).len();
        arm(&world);
        assert_eq!(
            world.valetkey("session start --agent coder --json").status,
            7,
            "{point}"
        );
        after_the_cut(&mut world);

        let sessions = live_sessions(&world);
        assert_eq!(sessions.len(), before + usize::from(lives), "{point}");
        for session in sessions {
            let socket = session["socket"]
                .as_str()
                .expect("a live session has a socket");
            assert!(
                fs::exists(socket).expect("a path that can be looked at"),
                "{point}: {socket}"
            );
        }
    }
}

#[test]
fn a_revocation_that_was_stored_holds() {
    let mut world = World::at_work();
    for (point, status) in [
        ("before sessions.save", "active"),
        ("after sessions.save", "revoked"),
        ("before doors.close", "revoked"),
        ("after doors.close", "revoked"),
    ] {
        let session = world.session("coder");
        world.stop();
        doomed(&mut world, point);
        arm(&world);
        let revoke = format!(
            "admin revoke --session {} --reason test --account boss",
            session.id
        );
        assert_eq!(world.valetkey(&revoke).status, 7, "{point}");
        after_the_cut(&mut world);

        let shown = world
            .valetkey(&format!("session show {} --json", session.id))
            .ok()
            .json();
        let shown = shown.get("session").unwrap_or(&shown);
        assert_eq!(shown["state"], status, "{point}");
    }
}

fn live_sessions(world: &World) -> Vec<serde_json::Value> {
    let listed = world.valetkey("session list --json").ok().json();
    let sessions = listed.get("sessions").unwrap_or(&listed);
    sessions.as_array().cloned().unwrap_or_default()
}

/// An answer is given wholly or not at all, and one for one token is never spent twice.
#[test]
fn an_answer_that_was_stored_holds_and_is_spent_once() {
    const DELETE: &str = "token demo-api --scope api:delete";
    let mut world = World::at_work();
    for (point, answered) in [
        ("before approvals.save granted", false),
        ("after approvals.save granted", true),
    ] {
        let session = world.session("coder");
        world.stop();
        doomed(&mut world, point);
        let asked = world.ask(&session, DELETE);
        arm(&world);
        assert_eq!(world.approve(&asked, "--once").status, 7, "{point}");
        after_the_cut(&mut world);
        if answered {
            world.agent(&session, DELETE).ok();
        }
        let open = world.ask(&session, DELETE);
        assert_eq!(open == asked, !answered, "{point}");
        world.valetkey(&format!("session end {}", session.id)).ok();
    }
    for (point, spent) in [
        ("before approvals.save over", false),
        ("after approvals.save over", true),
    ] {
        let session = world.session("coder");
        let asked = world.ask(&session, DELETE);
        world.approve(&asked, "--once").ok();
        world.stop();
        doomed(&mut world, point);
        arm(&world);
        assert_eq!(world.agent(&session, DELETE).status, 7, "{point}");
        after_the_cut(&mut world);
        if !spent {
            world.agent(&session, DELETE).ok();
        }
        assert_ne!(world.ask(&session, DELETE), asked, "{point}");
        world.valetkey(&format!("session end {}", session.id)).ok();
    }
}
