//! What people see of questions, and how they answer them over the control socket.

use std::path::Path;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_prost::ProstCodec;
use valetkey_core::{
    Approval as Approved, ApprovalId, Event, Opinion, Record, Risk, SessionId,
    approval::{Answer as Said, Ending, Finding, Stage},
    approvals,
    ports::Clock as _,
    record::SealedRecord,
};
use valetkey_wire::developer::{
    AnswerApprovalRequest, Approval, GetSessionRequest, ListApprovalsRequest, ResumeSessionRequest,
    StatusRequest, TakeBackApprovalRequest, answer_approval_request::Answer,
    developer_client::DeveloperClient,
};

use crate::{
    house::House,
    pending::{DEPLOY, pester, question, say},
    wire::{channel, developer, json, sign},
};

async fn listed(client: &mut DeveloperClient<Channel>, account: &str) -> Vec<Approval> {
    let account = account.to_owned();
    let listed = client
        .list_approvals(ListApprovalsRequest { account })
        .await;
    listed.unwrap().into_inner().approvals
}

fn answer(account: &str, shown: &Approval, answer: Answer) -> AnswerApprovalRequest {
    AnswerApprovalRequest {
        account: account.into(),
        id: shown.id.clone(),
        digest: shown.digest.clone(),
        answer: Some(answer),
    }
}

fn code(status: &Status) -> String {
    sign(status, "valetkey-code")
}

#[tokio::test]
async fn a_question_is_shown_whole_and_answered() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (session, socket) = house.session().await;
    let ask = r#"{"credential":"prod","scopes":["deploy","drop"],"lifetime_seconds":300,
                  "reason":"release \u001b[2J 2"}"#;
    assert_eq!(json(&socket, ask).await.status, 428);
    let id = question_id(&house);

    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.open_approvals, 1);
    let shown = listed(&mut client, "alice").await.remove(0);
    assert_eq!(shown.id, id.to_string());
    assert_eq!(shown.session, session.to_string());
    assert_eq!(shown.user.as_ref().unwrap().subject, "alice");
    assert_eq!(shown.agent, "coder");
    assert_eq!(shown.credential, "prod");
    assert_eq!(shown.scopes, ["deploy", "drop"]);
    assert_eq!(shown.audience, "https://prod.test");
    assert_eq!(shown.lifetime_seconds, 300);
    assert_eq!(
        shown.reason.as_deref(),
        Some("release \u{fffd}[2J 2"),
        "no control characters"
    );
    assert_eq!(shown.tier, "human");
    assert!(!shown.policies.is_empty());
    assert_eq!(shown.digest.len(), 64);
    assert_eq!(shown.expires_at - shown.asked_at, 600);
    assert_eq!(shown.state, "open");
    assert!(shown.may_answer && !shown.with_reviewer);

    let reply = client.answer_approval(answer("alice", &shown, Answer::ForSeconds(60)));
    let granted = reply.await.unwrap().into_inner().approval.unwrap();
    assert_eq!(granted.state, "granted");
    assert_eq!(granted.answered_by.as_deref(), Some("alice"));
    assert_eq!(granted.granted_until, Some(shown.asked_at + 60));
    assert_eq!(granted.idle_seconds, Some(1800));
    assert!(!granted.once && !granted.may_answer);
    assert_eq!(json(&socket, ask).await.status, 200);
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.open_approvals, 0);

    let take_back = TakeBackApprovalRequest {
        account: "alice".into(),
        id: shown.id.clone(),
    };
    client.take_back_approval(take_back.clone()).await.unwrap();
    assert_eq!(json(&socket, ask).await.status, 428);
    let over = listed(&mut client, "alice").await.remove(0);
    assert_eq!(
        (over.state.as_str(), over.ending.as_deref()),
        ("over", Some("taken_back"))
    );
    let again = client.take_back_approval(take_back).await.unwrap_err();
    assert_eq!(code(&again), "approval_settled");
    assert_eq!(sign(&again, "valetkey-approval"), shown.id);
}

fn question_id(house: &House) -> ApprovalId {
    house.broker.ports.approvals.list(None)[0].approval.id
}

#[tokio::test]
async fn every_answer_reaches_as_far_as_it_says() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (session, socket) = house.session().await;

    let cases = [
        (Answer::Once(true), "granted"),
        (Answer::Deny(true), "refused"),
        (Answer::Session(true), "granted"),
        (Answer::DenyAndEnd(true), "refused"),
    ];
    for (said, state) in cases {
        let shown = open(&mut client, &socket).await;
        let reply = client.answer_approval(answer("alice", &shown, said)).await;
        let answered = reply.unwrap().into_inner().approval.unwrap();
        assert_eq!(answered.state, state, "{said:?}");
        assert_eq!(answered.once, said == Answer::Once(true));
        let status = json(&socket, DEPLOY).await.status;
        assert_eq!(status == 200, state == "granted", "{said:?}");
        // A no stands for a while; an answer for the session would stand.
        house.clock.pass_seconds(601);
        if said == Answer::Session(true) {
            let take_back = TakeBackApprovalRequest {
                account: "alice".into(),
                id: shown.id,
            };
            client.take_back_approval(take_back).await.unwrap();
        }
    }
    let id = session.to_string();
    let ended = client.get_session(GetSessionRequest { id }).await.unwrap();
    assert_eq!(ended.into_inner().session.unwrap().state, "ended");
    assert!(
        listed(&mut client, "alice").await.is_empty(),
        "gone with it"
    );
}

/// The question of [`DEPLOY`], as alice is shown it.
async fn open(client: &mut DeveloperClient<Channel>, socket: &Path) -> Approval {
    let id = question(socket).await.to_string();
    let mut listed = listed(client, "alice").await;
    listed.retain(|shown| shown.id == id);
    listed.remove(0)
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, socket) = house.session().await;
    let shown = open(&mut client, &socket).await;
    let good = answer("alice", &shown, Answer::Once(true));
    let wrong = [
        AnswerApprovalRequest {
            answer: None,
            ..good.clone()
        },
        answer("alice", &shown, Answer::Once(false)),
        answer("alice", &shown, Answer::Session(false)),
        answer("alice", &shown, Answer::Deny(false)),
        answer("alice", &shown, Answer::DenyAndEnd(false)),
        answer("alice", &shown, Answer::ForSeconds(0)),
        answer("../alice", &shown, Answer::Once(true)),
        AnswerApprovalRequest {
            id: "x".into(),
            ..good.clone()
        },
    ];
    for request in wrong {
        let status = client.answer_approval(request.clone()).await.unwrap_err();
        assert_eq!(code(&status), "invalid_request", "{request:?}");
    }
    for digest in [String::new(), "0".repeat(64)] {
        let request = AnswerApprovalRequest {
            digest,
            ..good.clone()
        };
        let status = client.answer_approval(request).await.unwrap_err();
        assert_eq!(code(&status), "approval_mismatch");
        assert_eq!(sign(&status, "valetkey-approval"), shown.id);
    }
    let unknown = AnswerApprovalRequest {
        id: "0".repeat(32),
        ..good.clone()
    };
    let status = client.answer_approval(unknown).await.unwrap_err();
    assert_eq!(code(&status), "unknown_approval");
    assert_eq!(
        json(&socket, DEPLOY).await.status,
        428,
        "nothing was granted"
    );

    client.answer_approval(good.clone()).await.unwrap();
    let late = client.answer_approval(good).await.unwrap_err();
    assert_eq!(code(&late), "approval_settled");
}

#[tokio::test]
async fn only_who_may_answer_is_told_so_and_can() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, socket) = house.session().await;
    let shown = open(&mut client, &socket).await;
    for (account, may) in [
        ("alice", true),
        ("carol", true),
        ("mallory", false),
        ("nobody", false),
    ] {
        let seen = listed(&mut client, account).await;
        assert_eq!(seen[0].may_answer, may, "{account}");
        assert_eq!(seen[0].digest, shown.digest);
    }
    for (account, expected) in [("mallory", "not_approver"), ("nobody", "not_logged_in")] {
        for said in [Answer::Once(true), Answer::Deny(true)] {
            let status = client.answer_approval(answer(account, &shown, said)).await;
            let status = status.unwrap_err();
            assert_eq!(code(&status), expected);
            assert!(!format!("{status:?}").contains("canary"));
        }
    }
    let take_back = TakeBackApprovalRequest {
        account: "nobody".into(),
        id: shown.id.clone(),
    };
    let status = client.take_back_approval(take_back).await.unwrap_err();
    assert_eq!(code(&status), "not_logged_in");
    assert_eq!(json(&socket, DEPLOY).await.status, 428);
    let by_carol = answer("carol", &shown, Answer::Once(true));
    let granted = client.answer_approval(by_carol).await.unwrap().into_inner();
    let granted = granted.approval.unwrap();
    assert_eq!(granted.answered_by.as_deref(), Some("carol"));
    assert_eq!(granted.user.unwrap().subject, "alice");
}

#[tokio::test]
async fn what_the_reviewer_said_is_shown() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, socket) = house.session().await;
    json(&socket, r#"{"credential":"prod","scopes":["watch"]}"#).await;
    let shown = listed(&mut client, "alice").await.remove(0);
    assert_eq!(shown.tier, "review");
    assert!(shown.with_reviewer);
    assert_eq!(shown.opinion, None);

    let opinion = house.reviewer.opinion(Finding::Escalate, Risk::High);
    house.reviewer.say(Ok(opinion));
    let id = question_id(&house);
    approvals::review(&house.broker, id).await.unwrap();
    let shown = listed(&mut client, "alice").await.remove(0);
    assert_eq!(shown.state, "open");
    assert!(!shown.with_reviewer);
    let opinion = shown.opinion.unwrap();
    assert_eq!(opinion.finding, "escalate");
    assert_eq!(opinion.risk.as_deref(), Some("high"));
    assert_eq!(opinion.rationale, "as told");
    assert!(opinion.reviewer.starts_with("lint"));
}

#[tokio::test]
async fn a_held_session_says_why_and_is_woken() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (session, socket) = house.session().await;
    pester(&house, &socket).await;
    assert_eq!(json(&socket, DEPLOY).await.json()["error"], "session_held");

    let id = session.to_string();
    let get = GetSessionRequest { id: id.clone() };
    let seen = client.get_session(get).await.unwrap().into_inner();
    let seen = seen.session.unwrap();
    assert_eq!(seen.state, "held");
    assert!(seen.state_reason.unwrap().contains("30 approvals"));

    let resume = ResumeSessionRequest { id };
    let awake = client.resume_session(resume.clone()).await.unwrap();
    let awake = awake.into_inner().session.unwrap();
    assert_eq!((awake.state.as_str(), awake.state_reason), ("active", None));
    assert_eq!(json(&socket, DEPLOY).await.status, 428);
    client.resume_session(resume).await.unwrap();
    let unknown = ResumeSessionRequest { id: "0".repeat(32) };
    let status = client.resume_session(unknown).await.unwrap_err();
    assert_eq!(code(&status), "unknown_session");
}

#[tokio::test]
async fn a_long_list_leaves_out_what_is_over_first() {
    let house = House::new().await;
    let control = house.control();
    let mut client = developer(&control).await;
    let (_, first) = house.session().await;
    let open = question(&first).await;
    let (_, second) = house.session().await;
    let granted = question(&second).await;
    say(&house, "alice", granted, Said::Session).await;
    let (busy, _) = house.session().await;
    for _ in 0..1000 {
        house.clock.pass_seconds(1);
        used_up(&house, busy, open, "routine").await;
    }
    let shown = listed(&mut client, "alice").await;
    assert_eq!(shown.len(), 1000);
    assert_eq!(shown[0].id, open.to_string());
    assert_eq!(shown[1].id, granted.to_string());
    assert!(shown.is_sorted_by_key(|shown| shown.asked_at));
}

/// An agent cannot make the list so large that nobody's client reads it.
#[tokio::test]
async fn long_reasons_do_not_blind_whoever_looks() {
    let house = House::new().await;
    let control = house.control();
    let (_, first) = house.session().await;
    let open = question(&first).await;
    let (_, second) = house.session().await;
    let (busy, _) = house.session().await;
    let ask = format!(
        r#"{{"credential":"prod","scopes":["deploy"],"reason":"{}"}}"#,
        "\u{1f511}".repeat(500)
    );
    let wordy = json(&second, &ask).await.json();
    let wordy = ApprovalId::parse(wordy["approval"].as_str().unwrap()).unwrap();
    let words = "\u{1f511}".repeat(1000);
    // Of 6 KB each, where gRPC clients take 4 MiB.
    for _ in 0..1000 {
        used_up(&house, busy, wordy, &words).await;
    }
    let shown = listed(&mut developer(&control).await, "alice").await;
    assert!(shown.iter().any(|shown| shown.id == open.to_string()));
    assert!(shown.iter().any(|shown| shown.id == wordy.to_string()));
    assert!(shown.len() > 300 && shown.len() < 1000);
}

/// An approval of `session` that is over, and asked for what `like` asks for.
async fn used_up(house: &House, session: SessionId, like: ApprovalId, rationale: &str) {
    let ports = &house.broker.ports;
    let now = house.clock.now();
    let asked = approvals::find(&house.broker, like).unwrap().asked.clone();
    let id = ApprovalId::new(now, &*ports.entropy);
    let open = Approved::new(id, session, asked, Stage::Person, now, now.after(600));
    let opinion = Opinion {
        rationale: rationale.to_owned(),
        ..house.reviewer.opinion(Finding::Approve, Risk::Low)
    };
    let over = open.end(Ending::Used, now).unwrap().with(opinion);
    for approval in [open, over] {
        let record = SealedRecord::new(Record {
            at: now.unix_ms,
            request: None,
            session: Some(session),
            event: Event::ApprovalEnded {
                approval: id,
                ending: Ending::Used,
                by: None,
            },
        });
        ports
            .approvals
            .save(approval, record.unwrap())
            .await
            .unwrap();
    }
}

/// Nothing of it is behind the socket of a session, whatever its agent calls.
#[tokio::test]
async fn an_agent_reaches_nothing_that_is_for_people() {
    let house = House::new().await;
    let _control = house.control();
    let (_, socket) = house.session().await;
    let id = question(&socket).await;
    let channel = channel(&socket).await;
    let files = FileDescriptorSet::decode(valetkey_wire::DESCRIPTORS).unwrap();
    let mut tried = 0;
    for file in files
        .file
        .iter()
        .filter(|f| f.package() != "valetkey.agent.v1")
    {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let mut client = tonic::client::Grpc::new(channel.clone());
                client.ready().await.unwrap();
                let codec: ProstCodec<TakeBackApprovalRequest, ()> = ProstCodec::default();
                let request = Request::new(TakeBackApprovalRequest {
                    account: "alice".into(),
                    id: id.to_string(),
                });
                let called = client.unary(request, path.parse().unwrap(), codec).await;
                assert_eq!(called.unwrap_err().code(), Code::Unimplemented, "{path}");
                tried += 1;
            }
        }
    }
    assert!(tried > 25, "{tried}");
    assert_eq!(question(&socket).await, id, "it is still open");
}
