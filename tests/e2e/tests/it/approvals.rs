//! A person answers: once, for a time, for the session, or no.

use std::fs;

use valetkey_e2e::{Tail, World};

const DELETE: &str = "token demo-api --scope api:delete";

fn token(outcome: &valetkey_e2e::Outcome) -> usize {
    outcome.stdout.trim().split('.').count()
}

#[test]
fn once_is_one_token() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    assert_eq!(world.question(), asked);
    world.approve(&asked, "--once").ok();
    assert_eq!(token(&world.agent(&session, DELETE).ok()), 3);

    let again = world.ask(&session, DELETE);
    assert_ne!(again, asked, "the answer was for one token");
    let issued = world.records("token_issued").pop().expect("it is recorded");
    assert_eq!(issued["approval"], asked.as_str());
    let answered = world.records("approval_answered").pop().expect("recorded");
    assert_eq!(answered["by"]["subject"], "alice");
    assert_eq!(
        answered["digest"],
        world.records("approval_asked")[0]["digest"]
    );
    world.valetkey("audit verify").ok();
}

#[test]
fn an_agent_waits_for_its_answer() {
    let world = World::at_work();
    let session = world.session("coder");
    let tail = Tail::of(&world);
    let agent = world.waiting_agent(&session, &format!("{DELETE} --wait 60s"));
    let asked = tail.until(|record| record["event"] == "approval_asked");
    world.approve(&world.question(), "--once").ok();
    assert_eq!(token(&agent.end().ok()), 3);
    assert_eq!(asked["asked"]["grant"]["scopes"][0], "api:delete");

    let agent = world.waiting_agent(&session, &format!("{DELETE} --wait 60s --json"));
    tail.until(|record| record["event"] == "approval_asked");
    world
        .valetkey(&format!("approvals deny {} --json", world.question()))
        .ok();
    agent.end().refused(4, "approval_refused");
    // It is not asked again for a while.
    world
        .agent(&session, &format!("{DELETE} --json"))
        .refused(4, "approval_refused");
    assert!(world.questions().is_empty());
}

#[test]
fn ten_equal_requests_make_one_question() {
    let world = World::at_work();
    let session = world.session("coder");
    let ids: Vec<_> = (0..10).map(|_| world.ask(&session, DELETE)).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(world.questions().len(), 1);
    assert_eq!(world.records("approval_asked").len(), 1);
}

#[test]
fn what_is_remembered_covers_the_same_or_less() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, &format!("{DELETE} --ttl 5m"));
    world.approve(&asked, "--session").ok();
    for less in ["--ttl 5m", "--ttl 1m"] {
        world.agent(&session, &format!("{DELETE} {less}")).ok();
    }
    for more in [
        "--ttl 6m",
        "--ttl 5m --scope api:write",
        "--ttl 5m --audience https://other.example.test",
    ] {
        world.ask(&session, &format!("{DELETE} {more}"));
    }
    let stands: Vec<_> = world
        .approvals()
        .into_iter()
        .filter(|approval| approval["state"] == "granted")
        .collect();
    assert_eq!(stands.len(), 1);
    assert_eq!(stands[0]["answered_by"], "alice");
    assert!(stands[0]["granted_until"].is_number(), "{stands:?}");

    // Of another session it is worth nothing.
    let other = world.session("coder");
    world.ask(&other, &format!("{DELETE} --ttl 5m"));

    // And it can be taken back.
    world.valetkey(&format!("approvals forget {asked}")).ok();
    world.ask(&session, &format!("{DELETE} --ttl 5m"));
}

#[test]
fn the_first_answer_counts() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    world
        .valetkey(&format!("approvals deny {asked} --json"))
        .ok();
    let second = world.approve(&asked, "--session");
    second.refused(4, "approval_settled");
    world
        .agent(&session, &format!("{DELETE} --json"))
        .refused(4, "approval_refused");
}

#[test]
fn a_no_can_end_the_session() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    world
        .valetkey(&format!("approvals deny {asked} --end-session --json"))
        .ok();
    world
        .agent(&session, "token demo-api --scope api:read --json")
        .refused(3, "session_ended");
    assert!(world.approvals().is_empty());
}

#[test]
fn revoking_takes_questions_and_answers_along() {
    let world = World::at_work();
    let session = world.session("coder");
    let remembered = world.ask(&session, DELETE);
    world.approve(&remembered, "--session").ok();
    let tail = Tail::of(&world);
    let write = "token demo-api --scope api:write --wait 60s --json";
    let agent = world.waiting_agent(&session, write);
    tail.until(|record| {
        record["event"] == "approval_asked" && record["asked"]["grant"]["scopes"][0] == "api:write"
    });
    let open = world.question();
    world
        .valetkey(&format!(
            "admin revoke --session {} --reason test --account boss",
            session.id
        ))
        .ok();
    agent.end().refused(3, "session_revoked");
    world
        .approve(&open, "--once")
        .refused(2, "unknown_approval");
    world
        .agent(&session, &format!("{DELETE} --json"))
        .refused(3, "session_revoked");
}

#[test]
fn answers_outlive_the_broker_and_power_cuts() {
    let mut world = World::at_work();
    let session = world.session("coder");
    let spent = world.ask(&session, DELETE);
    world.approve(&spent, "--once").ok();
    world.kill();
    world.start();
    world.agent(&session, DELETE).ok();
    world.kill();
    world.start();
    let open = world.ask(&session, DELETE);
    assert_ne!(open, spent, "what was spent stays spent");
    world.kill();
    world.start();
    assert_eq!(world.question(), open, "what was asked stays asked");
    world.approve(&open, "--session").ok();
    world.kill();
    world.start();
    world.agent(&session, DELETE).ok();
    world.agent(&session, DELETE).ok();
    world.valetkey("audit verify").ok();
}

#[test]
fn who_must_answer_is_said_by_the_policies() {
    let mut world = World::at_work();
    world.stop();
    let folder = world.policies(
        r#"
@id("test.four-eyes")
forbid (principal is Valetkey::User, action == Valetkey::Action::"approve", resource)
when { context.scope == "api:delete" && principal == context.requester };

@id("test.admins-answer")
permit (
  principal in Valetkey::Group::"valetkey-admins",
  action == Valetkey::Action::"approve",
  resource
);
"#,
    );
    world.configure(&format!("[policy]\nfolder = \"{}\"\n", folder.display()));
    world.start();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    world.approve(&asked, "--once").refused(3, "not_approver");
    let disputed = world.records("approval_disputed").pop().expect("recorded");
    assert_eq!(disputed["by"]["subject"], "alice");
    assert_eq!(world.question(), asked, "it is still open");
    world.approve(&asked, "--once --account boss").ok();
    world.agent(&session, DELETE).ok();
}

#[test]
fn after_the_answer_the_policies_are_asked_again() {
    let mut world = World::at_work();
    world.stop();
    let folder = world.policies("");
    world.configure(&format!("[policy]\nfolder = \"{}\"\n", folder.display()));
    world.start();
    let session = world.session("coder");
    let answered = world.ask(&session, DELETE);
    world.approve(&answered, "--session").ok();
    world.agent(&session, DELETE).ok();
    let open = world.ask(&session, &format!("{DELETE} --scope api:read"));

    fs::write(
        folder.join("99-test.cedar"),
        "@id(\"test.never-delete\") forbid (principal, action, resource is Valetkey::Credential) when { context.scope == \"api:delete\" };",
    )
    .expect("policies can be written");
    world.valetkey("policy reload").ok();
    world
        .agent(&session, &format!("{DELETE} --json"))
        .refused(3, "denied");
    world.approve(&open, "--once").refused(3, "denied");
    assert!(world.questions().is_empty(), "the question is over");

    // A policy that does not validate is not loaded; the good one stays (promise 9).
    fs::write(
        folder.join("99-test.cedar"),
        "permit (principal, action, resource",
    )
    .expect("policies can be written");
    world
        .valetkey("policy reload --json")
        .refused(2, "policy_invalid");
    world
        .agent(&session, &format!("{DELETE} --json"))
        .refused(3, "denied");
}

#[test]
fn an_agent_that_asks_too_often_is_slowed_and_then_held() {
    let mut world = World::at_work();
    world.stop();
    world.configure(
        "[approvals]\nslow_after = 2\nslow_gap = \"1h\"\nwindow = \"2h\"\nsuspend_after = 4\n",
    );
    world.start();
    let session = world.session("coder");
    let nth = |n: u32| format!("{DELETE} --ttl {}s", 60 + n);
    world.ask(&session, &nth(1));
    world.ask(&session, &nth(2));
    world
        .agent(&session, &format!("{} --json", nth(3)))
        .refused(4, "too_many_questions");

    world.stop();
    world.configure(
        "[approvals]\nslow_after = 1\nwindow = \"2h\"\nslow_gap = \"1s\"\nsuspend_after = 2\n",
    );
    world.start();
    world
        .agent(&session, &format!("{} --json", nth(4)))
        .refused(3, "session_held");
    let shown = world
        .valetkey(&format!("session show {} --json", session.id))
        .ok();
    assert!(shown.stdout.contains("asked for 2 approvals"), "{shown:?}");
    world
        .agent(&session, "token demo-api --scope api:read --json")
        .refused(3, "session_held");
    // A login does not wake it; its developer does.
    world.login("default", "alice").ok();
    world
        .agent(&session, "token demo-api --scope api:read --json")
        .refused(3, "session_held");
    world
        .valetkey(&format!("session resume {}", session.id))
        .ok();
    world
        .agent(&session, "token demo-api --scope api:read")
        .ok();
}

#[test]
fn an_agent_withdraws_its_question() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    let other = world.session("coder");
    world
        .agent(&other, &format!("approvals withdraw {asked} --json"))
        .refused(2, "unknown_approval");
    world
        .agent(&session, &format!("approvals withdraw {asked}"))
        .ok();
    world
        .approve(&asked, "--once")
        .refused(4, "approval_settled");
}

#[test]
fn an_agent_has_no_way_to_answer() {
    let world = World::at_work();
    let session = world.session("coder");
    let asked = world.ask(&session, DELETE);
    for way in [
        "valetkey.developer.v1.Developer/AnswerApproval",
        "valetkey.developer.v1.Developer/Unlock",
    ] {
        let mut curl = std::process::Command::new("curl");
        world.surround(&mut curl);
        let answer = curl
            .args(["-sS", "--http2-prior-knowledge", "--max-time", "5", "-i"])
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
            .args(
                ["--data-binary", "\u{0}\u{0}\u{0}\u{0}\u{0}"]
                    .map(|part| part.replace('\u{0}', "")),
            )
            .arg("--unix-socket")
            .arg(&session.socket)
            .arg(format!("http://valetkey/{way}"));
        let answered = valetkey_e2e::Outcome::of(answer, b"");
        assert!(answered.stdout.contains("grpc-status: 12"), "{answered:?}");
    }
    assert_eq!(world.question(), asked);
}
