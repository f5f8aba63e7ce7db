//! A broker that was started anew serves the sandboxes of the one before.

use std::os::fd::AsFd as _;

use tokio::io::BufReader;
use valetkey_core::{SessionId, ports::StoreError};

use crate::{
    client,
    house::{House, PLACEHOLDER, STRANGER, hand_in, line, words},
    inject::{VALUE, bearer},
    origin,
};

/// The same sandbox is handed in, with this line.
async fn handed_in(house: &mut House, words: &str) -> String {
    let stream = hand_in(&house.folder, words, &[house.listener.as_fd()]).await;
    house.launcher = BufReader::new(stream);
    line(&mut house.launcher).await
}

#[tokio::test]
async fn its_authority_and_its_placeholders_are_the_ones_that_it_knows() {
    let mut house = House::new().await;
    let at = origin::tls(false, origin::echo).await;
    let origin = format!("https://api.test:{}", at.port());
    house.gate.inject("key", &origin, bearer(), false, VALUE);
    let ticket = house.egress.ticket(house.session).await.unwrap();
    house.start_anew().await;
    assert_eq!(
        line(&mut house.launcher).await,
        "{\"over\":\"shutting_down\"}\n"
    );
    // Whoever connects meanwhile waits.
    let early = tokio::net::TcpStream::connect(house.door).await.unwrap();
    let words = words(house.session, Some(&ticket));
    assert_eq!(handed_in(&mut house, &words).await, "{\"ok\":true}\n");
    drop(early);
    let authority = format!("api.test:{}", at.port());
    let stream = client::inside(&house, &authority, &[]).await;
    let mut sender = client::http1(stream).await;
    let mut request = client::get("/", &authority);
    let header = format!("Bearer {PLACEHOLDER}").parse().unwrap();
    request.headers_mut().insert("authorization", header);
    let said = client::text(sender.send_request(request).await.unwrap()).await;
    assert!(!said.contains(PLACEHOLDER), "{said}");
    assert!(
        said.contains(&"x".repeat(VALUE.len())),
        "it went out, and came back masked: {said}"
    );
}

#[tokio::test]
async fn without_its_own_ticket_and_sandbox_nobody_is_served() {
    let mut house = House::new().await;
    let ticket = house.egress.ticket(house.session).await.unwrap();
    house.start_anew().await;
    let other = SessionId::parse("0198c0de000070008000000000000001").unwrap();
    let own = house.session;
    for (words, code) in [
        (words(own, None), "unknown_session"),
        (words(own, Some("bm9uZQ")), "caller_refused"),
        (words(other, Some(&ticket)), "caller_refused"),
        (
            words(own, Some(&ticket)).replace("4242", &STRANGER.to_string()),
            "caller_refused",
        ),
        // What the stranger was refused is not there for whoever comes without a ticket.
        (words(own, None), "unknown_session"),
    ] {
        let said = handed_in(&mut house, &words).await;
        assert!(
            said.contains(&format!("\"code\":\"{code}\"")),
            "{words}: {said}"
        );
    }
    house.keyring.fail_with(StoreError::Locked);
    house.start_anew().await;
    let with = words(own, Some(&ticket));
    let said = handed_in(&mut house, &with).await;
    assert!(said.contains("keyring_locked"), "{said}");
    house.keyring.fail_with(None);
    assert_eq!(handed_in(&mut house, &with).await, "{\"ok\":true}\n");
    let twice = hand_in(&house.folder, &with, &[house.listener.as_fd()]).await;
    let said = line(&mut BufReader::new(twice)).await;
    assert!(said.contains("already_exists"), "{said}");
}

/// The launcher has the listener too: it takes no more connections once its session is over.
#[tokio::test]
async fn a_session_that_is_over_takes_no_connection_whoever_has_the_listener() {
    let house = House::new().await;
    drop(tokio::net::TcpStream::connect(house.door).await.unwrap());
    house.egress.close(house.session).await;
    let refused = tokio::net::TcpStream::connect(house.door).await;
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}
