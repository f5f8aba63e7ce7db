//! A request that needs an approval: what its agent is told, and what it can do about it.

use std::path::Path;

use valetkey_core::{
    AccountName, Approval, ApprovalId,
    approval::Answer,
    approvals::{self, Given},
};
use valetkey_wire::agent::{GetSessionRequest, GetTokenRequest, WithdrawApprovalRequest};

use crate::{
    house::House,
    wire::{agent, form, get, http, json, sign, withdraw},
};

pub(crate) const DEPLOY: &str = r#"{"credential":"prod","scopes":["deploy"]}"#;
const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange\
                        &credential=prod&scope=deploy";

pub(crate) fn deploy() -> GetTokenRequest {
    GetTokenRequest {
        credential: "prod".into(),
        scopes: vec!["deploy".into()],
        ..Default::default()
    }
}

/// Puts the question of [`DEPLOY`].
pub(crate) async fn question(socket: &Path) -> ApprovalId {
    let answer = json(socket, DEPLOY).await;
    assert_eq!(answer.status, 428);
    ApprovalId::parse(answer.json()["approval"].as_str().unwrap()).unwrap()
}

/// Answers as `account`, having seen what is asked.
pub(crate) async fn say(house: &House, account: &str, id: ApprovalId, answer: Answer) -> Approval {
    let digest = approvals::find(&house.broker, id).unwrap().digest();
    let given = Given {
        approval: id,
        digest: digest.as_str(),
        answer,
        via: "test",
    };
    let account = AccountName::parse(account).unwrap();
    approvals::answer_as(&house.broker, &account, given)
        .await
        .unwrap()
}

#[tokio::test]
async fn three_forms_one_question() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let id = question(&socket).await.to_string();

    let fields = json(&socket, DEPLOY).await.json();
    assert_eq!(fields["error"], "approval_pending");
    assert_eq!(fields["approval"], id);
    assert_eq!(fields["retry"], "after_next_step");

    let status = agent(&socket)
        .await
        .get_token(deploy())
        .await
        .err()
        .unwrap();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert_eq!(sign(&status, "valetkey-code"), "approval_pending");
    assert_eq!(sign(&status, "valetkey-approval"), id);

    // RFC 8628 section 3.5.
    let answer = form(&socket, EXCHANGE).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "authorization_pending");
    assert_eq!(answer.json()["approval"], id);
    assert!(!answer.head.to_ascii_lowercase().contains("retry-after"));

    assert_eq!(house.recorded("approval_asked").len(), 1);
    for joined in house.recorded("token_refused") {
        let record = serde_json::to_value(joined).unwrap();
        assert_eq!(record["approval"], id);
    }
    // What is about no approval names none.
    let denied = json(&socket, r#"{"credential":"files","scopes":["erase"]}"#).await;
    assert!(denied.json().get("approval").is_none());
}

#[tokio::test]
async fn each_answer_has_its_word_in_oauth() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let id = question(&socket).await;
    say(&house, "alice", id, Answer::Once).await;
    assert_eq!(form(&socket, EXCHANGE).await.status, 200);

    let next = question(&socket).await;
    assert_ne!(next, id, "it was for one token");
    say(&house, "alice", next, Answer::No).await;
    let answer = form(&socket, EXCHANGE).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "access_denied");
    assert_eq!(answer.json()["code"], "approval_refused");
    assert_eq!(answer.json()["approval"], next.to_string());

    // As many open questions as a session may have.
    for lifetime in 1..=10 {
        let ask =
            format!(r#"{{"credential":"prod","scopes":["drop"],"lifetime_seconds":{lifetime}}}"#);
        json(&socket, &ask).await;
    }
    let one_more = form(&socket, &EXCHANGE.replace("deploy", "deploy+drop+watch")).await;
    assert_eq!(one_more.json()["code"], "approval_refused");
    let one_more = form(&socket, &EXCHANGE.replace("deploy", "drop")).await;
    assert_eq!(one_more.status, 429);
    assert_eq!(one_more.json()["error"], "slow_down");
    assert!(one_more.has("retry-after: 1"));
}

#[tokio::test]
async fn a_question_is_taken_back_by_its_own_session_once() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    let id = question(&socket).await.to_string();

    let answer = withdraw(&other, &id).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"], "unknown_approval");
    let stranger = WithdrawApprovalRequest {
        approval: id.clone(),
    };
    let status = agent(&other)
        .await
        .withdraw_approval(stranger.clone())
        .await;
    assert_eq!(
        sign(&status.unwrap_err(), "valetkey-code"),
        "unknown_approval"
    );

    let answer = withdraw(&socket, &id).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let again = withdraw(&socket, &id).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["error"], "approval_settled");
    assert_eq!(again.json()["approval"], id);
    assert_eq!(house.recorded("approval_ended").len(), 1);

    let next = question(&socket).await;
    assert_ne!(next.to_string(), id);
    let own = WithdrawApprovalRequest {
        approval: next.to_string(),
    };
    let mut client = agent(&socket).await;
    client.withdraw_approval(own).await.unwrap();
    let nonsense = WithdrawApprovalRequest {
        approval: "x".into(),
    };
    let status = client.withdraw_approval(nonsense).await.unwrap_err();
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");

    let answer = http(
        &socket,
        "GET",
        &format!("/v1/approvals/{id}"),
        "text/plain",
        "",
    )
    .await;
    assert_eq!(answer.status, 405);
    assert!(answer.has("allow: DELETE"));
    for path in ["/v1/approvals", "/v1/approvals/", "/v1/approvals/../token"] {
        let answer = http(&socket, "DELETE", path, "text/plain", "").await;
        assert!(matches!(answer.status, 400 | 404), "{path}");
    }
}

#[tokio::test]
async fn an_answer_of_another_session_is_of_no_use() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    let id = question(&socket).await;
    say(&house, "alice", id, Answer::Session).await;
    assert_ne!(question(&other).await, id);
    assert_eq!(json(&socket, DEPLOY).await.status, 200);
    assert_eq!(json(&socket, DEPLOY).await.status, 200);
}

/// Asks for as many approvals as a session may before it is held, and takes each back.
pub(crate) async fn pester(house: &House, socket: &Path) {
    for _ in 0..30 {
        let id = question(socket).await.to_string();
        assert_eq!(withdraw(socket, &id).await.status, 204);
        house.clock.pass_seconds(15);
    }
}

#[tokio::test]
async fn an_agent_that_asks_on_and_on_is_held_and_told_so() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    pester(&house, &socket).await;
    let answer = json(&socket, DEPLOY).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"], "session_held");
    let harmless = json(&socket, r#"{"credential":"files","scopes":["read"]}"#).await;
    assert_eq!(harmless.json()["error"], "session_held");
    assert_eq!(get(&socket, "/v1/session").await.json()["state"], "held");
    let mut client = agent(&socket).await;
    let seen = client.get_session(GetSessionRequest {}).await.unwrap();
    assert_eq!(seen.into_inner().session.unwrap().state, "held");
    let answer = get(&socket, "/v1/grants").await;
    assert_eq!(answer.json()["error"], "session_held");
}
