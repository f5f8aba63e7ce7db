//! While a login waits for its person: who may answer, and when the waiting ends.

use std::time::Duration;

use valetkey_codes::Code;
use valetkey_core::ports::{LoginMethod, Logins as _};
use valetkey_devidp::Fault;

use crate::{
    browser,
    world::{World, account, assert_refused, url},
};

#[tokio::test]
async fn a_strangers_answer_neither_counts_nor_ends_the_login() {
    let world = World::new();
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    let redirect = browser::answer(url(&login.start), "alice").await;
    let base = redirect.split('?').next().unwrap();

    let forged = browser::get(&format!("{base}?code=stolen&state=guessed")).await;
    assert_eq!(forged.status, 400);
    world.idp.misbehave([Fault::WrongState]);
    let stale = browser::answer(url(&login.start), "bob").await;
    assert_eq!(browser::get(&stale).await.status, 400);
    let icon = browser::get(&base.replace("/callback", "/favicon.ico")).await;
    assert_eq!(icon.status, 404);
    let address = base
        .trim_start_matches("http://")
        .trim_end_matches("/callback");
    let flood = format!("GET /callback?{} HTTP/1.1\r\n", "x".repeat(64 * 1024));
    let refused = browser::raw(address, flood.as_bytes()).await;
    assert!(refused.status == 0 || refused.status >= 400, "{refused:?}");

    let page = browser::get(&redirect).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("close this window"));
    assert_eq!(login.done.await.unwrap().id.subject, "alice");
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the listener is gone"
    );
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_the_door() {
    let world = World::new();
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    let redirect = browser::answer(url(&login.start), "alice").await;
    let parsed: url::Url = redirect.parse().unwrap();
    let address = format!("127.0.0.1:{}", parsed.port().unwrap());
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    assert_eq!(browser::get(&redirect).await.status, 200);
    assert!(login.done.await.is_ok());
}

#[tokio::test]
async fn a_fixed_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = World::with(|config| config.redirect_port = Some(port));
    let begun = world.logins.begin(&account(), LoginMethod::Code).await;
    assert_refused(
        &begun.err().unwrap(),
        Code::Internal,
        "provider.redirect_port",
    );
    drop(taken);
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    assert!(url(&login.start).contains(&port.to_string()));
}

#[tokio::test]
async fn another_method_takes_the_place_of_the_one_under_way() {
    let world = World::new();
    let first = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    let second = world
        .logins
        .begin(&account(), LoginMethod::Device)
        .await
        .unwrap();
    let refusal = first.done.await.unwrap_err();
    assert_refused(&refusal, Code::LoginAbandoned, "another way");
    browser::log_in(&second.start, "alice").await;
    assert!(second.done.await.is_ok());
}

#[tokio::test]
async fn a_login_that_nobody_finishes_ends_by_itself() {
    let world = World::with(|config| config.login_timeout_seconds = 5);
    let login = world
        .logins
        .begin(&account(), LoginMethod::Code)
        .await
        .unwrap();
    // Time runs to the next timer as soon as nothing else can happen.
    tokio::time::pause();
    let refusal = tokio::time::timeout(Duration::from_secs(6), login.done)
        .await
        .unwrap();
    assert_refused(&refusal.unwrap_err(), Code::LoginAbandoned, "within 5 s");
}
