//! A webhook carries a question out and its answer back, in another language than the broker's.

use valetkey_e2e::{Helper, Outcome, Tail, World};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const DELETE: &str = "token demo-api --scope api:delete";

fn answering(subject: &str, answer: &str) -> Helper {
    Helper::start("webhook.py", &[SECRET, subject, answer])
}

/// A world whose questions go to `receiver`; whoever asks does not answer, admins do.
fn carried_to(receiver: &Helper) -> World {
    let mut world = World::new();
    let folder = world.policies(
        r#"
@id("test.admins-answer")
permit (principal in Valetkey::Group::"valetkey-admins", action == Valetkey::Action::"approve", resource);
"#,
    );
    world.configure(&format!(
        "[policy]\nfolder = \"{}\"\n[approvals]\nfour_eyes = true\n[approvals.webhook]\nurl = \"http://127.0.0.1:{}/ask\"\nsecret = \"webhook\"\nmay_answer = true\n",
        folder.display(),
        receiver.port
    ));
    world.start();
    world.login("default", "alice").ok();
    let mut add = world.command(["secret", "add", "webhook"]);
    Outcome::of(&mut add, SECRET.as_bytes()).ok();
    world
}

#[test]
fn somebody_elses_yes_comes_back() {
    let receiver = answering("boss", "once");
    let world = carried_to(&receiver);
    let session = world.session("coder");
    world.agent(&session, &format!("{DELETE} --wait 60s")).ok();
    let answered = world.records("approval_answered").pop().expect("recorded");
    assert_eq!(answered["by"]["subject"], "boss");
    assert_eq!(answered["via"], "webhook");
}

#[test]
fn whoever_asks_does_not_answer_by_webhook_either() {
    let receiver = answering("alice", "session");
    let world = carried_to(&receiver);
    let session = world.session("coder");
    let tail = Tail::of(&world);
    world.ask(&session, DELETE);
    let disputed = tail.until(|record| record["event"] == "approval_disputed");
    assert_eq!(disputed["code"], "not_approver");
    assert_eq!(world.questions().len(), 1);
}

#[test]
fn a_forged_answer_is_none() {
    let receiver = answering("boss", "forged");
    let world = carried_to(&receiver);
    let session = world.session("coder");
    let tail = Tail::of(&world);
    world.ask(&session, DELETE);
    tail.until(|record| record["event"] == "approval_disputed");
    assert_eq!(world.questions().len(), 1);
    assert!(world.records("approval_answered").is_empty());
}
