//! Bodies that are held to put a value into them.

use std::time::Duration;

use valetkey_core::Placement;
use valetkey_egress::Limits;

use crate::{
    client,
    house::{self, House, PLACEHOLDER},
    origin,
};

/// What the proxy answers to `body`, of which it was told that it is `length` long.
async fn answered(house: &House, body: &str, length: usize) -> String {
    let at = origin::plain(origin::echo).await;
    let host = format!("api.test:{}", at.port());
    let place = Placement::Body {
        pointer: "/key".into(),
    };
    let base = format!("http://{host}");
    house
        .gate
        .inject("key", &base, place, false, "sk-live-canary-7777");
    client::raw(
        house.door,
        &format!(
            "POST {base}/ HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let house = House::with(Limits {
        held_timeout: Duration::from_millis(50),
        ..house::limits()
    })
    .await;
    let answer = answered(&house, "{", 1000).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("did not arrive in time"), "{answer}");
}

#[tokio::test]
async fn no_more_are_held_than_may_be() {
    let body = format!("{{\"key\":\"{PLACEHOLDER}\"}}");
    let house = House::with(Limits {
        held_bodies: 1,
        ..house::limits()
    })
    .await;
    for _ in 0..2 {
        let answer = answered(&house, &body, body.len()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let house = House::with(Limits {
        held_bodies: 0,
        held_timeout: Duration::from_millis(50),
        ..house::limits()
    })
    .await;
    let answer = answered(&house, &body, body.len()).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}
