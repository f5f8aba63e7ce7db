//! A request that waits at the door for its approval: until there is an answer, its time is over, or it
//! may not ask any more, and in nobody's way.

use std::{path::Path, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::UnixStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tonic::Status;
use valetkey_api::{Limits, Pace};
use valetkey_core::{
    ApprovalId,
    approval::Answer,
    approvals,
    lifecycle::{self, RevokeTarget},
};
use valetkey_wire::agent::{GetTokenRequest, GetTokenResponse};

use crate::{
    close::revoke,
    house::House,
    pending::{DEPLOY, deploy, question, say},
    refusals::suspend,
    wire::{self, agent, connect, form, get, hear, json, sign},
};

const SPELLED: &str = "alice|prod|deploy|https://prod.test|600";
/// Far beyond what any of this takes.
const BOUND: Duration = Duration::from_secs(5);
const WAITING: &str = r#"{"credential":"prod","scopes":["deploy"],"wait_seconds":600}"#;
const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange\
                        &credential=prod&scope=deploy&wait_seconds=600";

type Waiting = JoinHandle<Result<GetTokenResponse, Status>>;

async fn waiting(socket: &Path) -> Waiting {
    let mut client = agent(socket).await;
    let ask = GetTokenRequest {
        wait_seconds: Some(600),
        ..deploy()
    };
    tokio::spawn(async move { Ok(client.get_token(ask).await?.into_inner()) })
}

/// The `count`th question, as soon as it is there.
async fn asked(house: &House, count: usize) -> ApprovalId {
    let kept = &house.broker.ports.approvals;
    let asked = async {
        let mut seen = 0;
        loop {
            seen = kept.changed(seen).await;
            if let Some(kept) = kept.list(None).get(count - 1) {
                return kept.approval.id;
            }
        }
    };
    timeout(BOUND, asked).await.expect("nobody asks")
}

/// What `waiting` is told, at once.
async fn refused(waiting: Waiting) -> Status {
    let told = timeout(BOUND, waiting).await.expect("it still waits");
    told.unwrap().err().unwrap()
}

#[tokio::test]
async fn a_yes_ends_the_wait_in_every_form() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let over_grpc = waiting(&socket).await;
    let (path, other) = (socket.clone(), socket.clone());
    let over_json = tokio::spawn(async move { json(&path, WAITING).await });
    let over_oauth = tokio::spawn(async move { form(&other, EXCHANGE).await });
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::Session).await;

    let token = timeout(BOUND, over_grpc).await.unwrap().unwrap().unwrap();
    assert_eq!(token.access_token, SPELLED);
    let answer = timeout(BOUND, over_json).await.unwrap().unwrap();
    assert_eq!(answer.json()["access_token"], SPELLED);
    let answer = timeout(BOUND, over_oauth).await.unwrap().unwrap();
    assert_eq!(answer.json()["access_token"], SPELLED);
    assert_eq!(house.recorded("approval_asked").len(), 1);
}

#[tokio::test]
async fn the_token_names_the_request_that_asked() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let waiting = waiting(&socket).await;
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::Once).await;
    timeout(BOUND, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(
        house.recorded("approval_asked")[0].request,
        house.recorded("token_issued")[0].request
    );
}

#[tokio::test]
async fn an_answer_for_one_token_ends_one_of_two_waits() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let (one, two) = (waiting(&socket).await, waiting(&socket).await);
    let first = asked(&house, 1).await;
    say(&house, "alice", first, Answer::Once).await;
    // The other one's question comes back.
    let second = asked(&house, 2).await;
    assert_eq!(house.recorded("token_issued").len(), 1);
    say(&house, "alice", second, Answer::Once).await;
    for waiting in [one, two] {
        timeout(BOUND, waiting).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_no_and_an_end_without_answer_are_told() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::No).await;
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "approval_refused");
    assert_eq!(sign(&status, "valetkey-approval"), id.to_string());

    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    let id = asked(&house, 2).await;
    house.clock.pass_seconds(600);
    approvals::expire_due(&house.broker).await.unwrap();
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "approval_expired");
    assert_eq!(sign(&status, "valetkey-approval"), id.to_string());

    let waits = waiting(&socket).await;
    let id = asked(&house, 3).await.to_string();
    assert_eq!(wire::withdraw(&socket, &id).await.status, 204);
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "approval_expired");
}

#[tokio::test]
async fn no_and_end_ends_the_wait_with_the_session() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::NoAndEnd).await;
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "session_ended");
}

/// The time of a wait comes on top of the time of a request, for a request that arrived.
#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_has_the_question_and_all_of_the_time() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let began = Instant::now();
    let answer = json(&socket, WAITING).await;
    assert_eq!(answer.status, 428);
    assert_eq!(answer.json()["error"], "approval_pending");
    let waited = began.elapsed().as_secs();
    assert!((600..=601).contains(&waited), "{waited} s");
    let same = question(&socket).await;
    assert_eq!(answer.json()["approval"], same.to_string());

    let began = Instant::now();
    let answer = form(&socket, &EXCHANGE.replace("600", "45")).await;
    assert_eq!(answer.json()["error"], "authorization_pending");
    assert_eq!(began.elapsed().as_secs(), 45);
}

#[tokio::test(start_paused = true)]
async fn who_promises_to_wait_and_trickles_has_no_more_time_than_others() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    for (path, kind, body) in [
        ("/v1/token", "application/json", WAITING),
        (
            "/oauth2/token",
            "application/x-www-form-urlencoded",
            EXCHANGE,
        ),
    ] {
        let mut stream = connect(&socket).await;
        let began = Instant::now();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len() + 1
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(hear(&mut stream, false).await.status, 504, "{path}");
        assert_eq!(began.elapsed().as_secs(), 30, "{path}");
    }
    assert!(house.recorded("approval_asked").is_empty());
}

/// A source that does not answer after the wait is given up like any other.
#[tokio::test(start_paused = true)]
async fn a_wait_has_an_end_whatever_comes_after_it() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    *house.tokens.hold.lock().unwrap() = true;
    let began = Instant::now();
    let path = socket.clone();
    let waits = tokio::spawn(async move { json(&path, WAITING).await });
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::Once).await;
    let answer = waits.await.unwrap();
    assert_eq!(answer.status, 504);
    assert_eq!(began.elapsed().as_secs(), 630);
}

#[tokio::test]
async fn nothing_that_takes_the_session_away_waits_for_whoever_waits() {
    let house = House::new().await;

    let (session, socket) = house.session().await;
    let waits = waiting(&socket).await;
    asked(&house, 1).await;
    revoke(&house.broker, RevokeTarget::Session(session)).await;
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "session_revoked");

    let (session, socket) = house.session().await;
    let waits = waiting(&socket).await;
    asked(&house, 1).await;
    lifecycle::end(&house.broker, session).await.unwrap();
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "session_ended");

    let (session, socket) = house.session().await;
    let waits = waiting(&socket).await;
    asked(&house, 1).await;
    suspend(&house, session).await;
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "session_suspended");

    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    asked(&house, 2).await;
    lifecycle::lock(&house.broker, "lunch").await.unwrap();
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "locked");
    lifecycle::unlock(&house.broker).await.unwrap();

    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    asked(&house, 3).await;
    timeout(BOUND, house.doors.stop()).await.unwrap();
    let status = refused(waits).await;
    assert_eq!(sign(&status, "valetkey-code"), "shutting_down");
    assert!(house.recorded("token_issued").is_empty());
}

/// A session whose questions nobody answers can still ask how it stands.
#[tokio::test]
async fn those_who_wait_leave_room() {
    let limits = Limits {
        connections: 4,
        waiting: 2,
        ..Limits::default()
    };
    let house = House::with(limits).await;
    let (_, socket) = house.session().await;
    let (_, other) = house.session().await;
    let mut places = Vec::new();
    for (lifetime, count) in [(1, 1), (2, 2)] {
        let longer = format!(r#""lifetime_seconds":{lifetime},"wait"#);
        places.push(place(&socket, &WAITING.replace("\"wait", &longer)).await);
        asked(&house, count).await;
    }
    // Had it waited, this would not end.
    let one_more = timeout(BOUND, json(&socket, WAITING)).await.unwrap();
    assert_eq!(one_more.json()["error"], "approval_pending");
    assert_eq!(get(&socket, "/v1/session").await.status, 200);
    assert_eq!(json(&other, DEPLOY).await.status, 428);

    // Whoever gets an answer makes room.
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::Once).await;
    let first = timeout(BOUND, hear(&mut places[0], false)).await.unwrap();
    assert_eq!(first.status, 200);
    let path = socket.clone();
    let waits = tokio::spawn(async move { json(&path, WAITING).await });
    let id = question(&socket).await;
    assert!(!waits.is_finished());
    say(&house, "alice", id, Answer::Session).await;
    assert_eq!(timeout(BOUND, waits).await.unwrap().unwrap().status, 200);
    let defaults = Limits::default();
    assert!(defaults.waiting < defaults.connections);
}

/// A connection on which a request waits.
async fn place(socket: &Path, body: &str) -> UnixStream {
    let mut stream = connect(socket).await;
    let request = format!(
        "POST /v1/token HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = wire::say(&mut stream, request.as_bytes()).await;
    assert_eq!(answer.status, 100);
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_wait_is_asked_for_once_however_often_the_core_is_asked() {
    let house = House::with(Limits {
        pace: Some(Pace {
            per_second: 1,
            burst: 2,
        }),
        ..Limits::default()
    })
    .await;
    let (_, socket) = house.session().await;
    let waits = waiting(&socket).await;
    let id = asked(&house, 1).await;
    say(&house, "alice", id, Answer::Once).await;
    timeout(BOUND, waits).await.unwrap().unwrap().unwrap();
    assert_eq!(get(&socket, "/v1/session").await.status, 200);
    assert_eq!(get(&socket, "/v1/session").await.status, 429);
}

#[tokio::test]
async fn who_stops_listening_leaves_the_question() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let waits = place(&socket, WAITING).await;
    let id = asked(&house, 1).await;
    drop(waits);
    say(&house, "alice", id, Answer::Session).await;
    assert_eq!(json(&socket, DEPLOY).await.status, 200);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_none() {
    let house = House::new().await;
    let (_, socket) = house.session().await;
    let ask = GetTokenRequest {
        wait_seconds: Some(601),
        ..deploy()
    };
    let status = agent(&socket).await.get_token(ask).await.err().unwrap();
    assert_eq!(sign(&status, "valetkey-code"), "invalid_request");
    for seconds in ["601", "18446744073709551615", "18446744073709551616", "-1"] {
        let answer = json(&socket, &WAITING.replace("600", seconds)).await;
        assert_eq!(answer.json()["error"], "invalid_request", "{seconds}");
        let answer = form(&socket, &EXCHANGE.replace("600", seconds)).await;
        assert_eq!(answer.json()["code"], "invalid_request", "{seconds}");
    }
    assert!(house.recorded("approval_asked").is_empty());
    // Where nothing is to be waited for, a wait is none.
    let ask = r#"{"credential":"files","scopes":["read"],"wait_seconds":600}"#;
    assert_eq!(json(&socket, ask).await.status, 200);
}
