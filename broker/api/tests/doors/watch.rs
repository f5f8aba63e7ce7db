//! The live view of approvals.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::Streaming;
use valetkey_core::{
    approval::Answer,
    approvals,
    lifecycle::{self},
};
use valetkey_wire::developer::{Approval, WatchApprovalsRequest, WatchApprovalsResponse};

use crate::{
    house::{Control, House},
    pending::{question, say},
    wire::{developer, json, sign},
};

const BOUND: Duration = Duration::from_secs(5);

async fn watch(control: &Control, account: &str) -> Streaming<WatchApprovalsResponse> {
    let account = account.to_owned();
    let watch = developer(control)
        .await
        .watch_approvals(WatchApprovalsRequest { account })
        .await;
    watch.unwrap().into_inner()
}

/// What it tells next.
async fn told(watch: &mut Streaming<WatchApprovalsResponse>) -> Vec<Approval> {
    let told = timeout(BOUND, watch.message()).await.expect("nothing new");
    told.unwrap().unwrap().approvals
}

#[tokio::test]
async fn it_tells_how_things_stand_and_every_change() {
    let house = House::new().await;
    let control = house.control();
    let mut alice = watch(&control, "alice").await;
    let mut nobody = watch(&control, "nobody").await;
    assert!(told(&mut alice).await.is_empty());
    assert!(told(&mut nobody).await.is_empty());

    let (session, socket) = house.session().await;
    let id = question(&socket).await;
    let shown = told(&mut alice).await;
    assert_eq!(shown[0].id, id.to_string());
    assert_eq!(shown[0].state, "open");
    assert!(shown[0].may_answer);
    let shown = told(&mut nobody).await;
    assert_eq!(shown[0].id, id.to_string());
    assert!(!shown[0].may_answer);

    say(&house, "alice", id, Answer::Session).await;
    assert_eq!(told(&mut alice).await[0].state, "granted");
    house.clock.pass_seconds(1800);
    approvals::expire_due(&house.broker).await.unwrap();
    let over = told(&mut alice).await;
    assert_eq!(over[0].ending.as_deref(), Some("lapsed"));
    lifecycle::end(&house.broker, session).await.unwrap();
    assert!(told(&mut alice).await.is_empty());

    // Stopping ends it.
    control.stop.cancel();
    let end = timeout(BOUND, alice.message()).await.unwrap();
    assert!(end.unwrap().is_none());
    timeout(BOUND, control.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_questions_is_told_in_few_words() {
    let house = House::new().await;
    let control = house.control();
    let mut watch = watch(&control, "alice").await;
    told(&mut watch).await;
    let began = Instant::now();
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(house.session().await.1);
    }
    for socket in &sockets {
        for lifetime in 1..=10 {
            let ask = format!(
                r#"{{"credential":"prod","scopes":["drop"],"lifetime_seconds":{lifetime}}}"#
            );
            assert_eq!(json(socket, &ask).await.status, 428);
        }
    }
    let mut words = 0;
    while told(&mut watch).await.len() < 200 {
        words += 1;
    }
    let tenths = began.elapsed().as_millis() / 100;
    assert!(
        words <= tenths + 1,
        "{words} in {tenths} tenths of a second"
    );
}

#[tokio::test]
async fn an_account_is_named() {
    let house = House::new().await;
    let control = house.control();
    for account in ["", "../x"] {
        let account = account.to_owned();
        let watch = developer(&control)
            .await
            .watch_approvals(WatchApprovalsRequest { account })
            .await;
        assert_eq!(
            sign(&watch.unwrap_err(), "valetkey-code"),
            "invalid_request"
        );
    }
}
