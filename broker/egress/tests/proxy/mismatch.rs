//! Heads in which two readers could see different hosts, and other oddities: each refused, none forwarded.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::io::AsyncWriteExt as _;
use valetkey_codes::Code;

use crate::{client, house::House, origin};

/// Each `PORT` stands for the origin's port. A status of 0 stands for any refusal by the parser.
const AT_THE_DOOR: &[(&str, u16)] = &[
    // Absolute URI, Host and what is in them.
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: evil.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT, evil.test\r\n\r\n",
        421,
    ),
    ("GET http://api.test:PORT/ HTTP/1.1\r\n\r\n", 400),
    ("GET http://api.test:PORT/ HTTP/1.1\r\nhost:\r\n\r\n", 421),
    (
        "GET http://evil@api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT@evil.test/ HTTP/1.1\r\nhost: evil.test\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: u@api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET https://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET ftp://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT HTTP/1.1\r\nhost: api.test:99\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:0/ HTTP/1.1\r\nhost: api.test:0\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:99999/ HTTP/1.1\r\nhost: api.test:99999\r\n\r\n",
        0,
    ),
    (
        "GET http://api%2etest:PORT/ HTTP/1.1\r\nhost: api%2etest:PORT\r\n\r\n",
        0,
    ),
    // Addresses in odd notations.
    (
        "GET http://0x7f000001:PORT/ HTTP/1.1\r\nhost: 0x7f000001:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://2130706433:PORT/ HTTP/1.1\r\nhost: 2130706433:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://127.1:PORT/ HTTP/1.1\r\nhost: 127.1:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://0177.0.0.1:PORT/ HTTP/1.1\r\nhost: 0177.0.0.1:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://10.0.0.1:PORT/ HTTP/1.1\r\nhost: 10.0.0.1:PORT\r\n\r\n",
        403,
    ),
    (
        "GET http://8.8.8.8:PORT/ HTTP/1.1\r\nhost: 8.8.8.8:PORT\r\n\r\n",
        403,
    ),
    (
        "GET http://[fd00::1]:PORT/ HTTP/1.1\r\nhost: [fd00::1]:PORT\r\n\r\n",
        403,
    ),
    (
        "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 169.254.169.254:80\r\n\r\n",
        403,
    ),
    // Origin form is for this proxy alone.
    ("GET / HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n", 421),
    ("GET /key/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n", 421),
    ("GET / HTTP/1.1\r\nhost: localhost:3128\r\n\r\n", 400),
    ("OPTIONS * HTTP/1.1\r\nhost: localhost:3128\r\n\r\n", 400),
    // CONNECT.
    (
        "CONNECT api.test:PORT HTTP/1.1\r\nhost: evil.test:PORT\r\n\r\n",
        421,
    ),
    ("CONNECT api.test HTTP/1.1\r\nhost: api.test\r\n\r\n", 421),
    (
        "CONNECT u@api.test:PORT HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "CONNECT http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        0,
    ),
    ("CONNECT /x HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n", 0),
    (
        "CONNECT api.test:PORT HTTP/1.1\r\nhost: api.test:PORT\r\ncontent-length: 4\r\n\r\nbody",
        400,
    ),
    // Methods.
    (
        "TRACE http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        400,
    ),
    (
        "TRACK http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        400,
    ),
    (
        "get http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        400,
    ),
    (
        "connect http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        400,
    ),
    // Framing.
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        0,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\ncontent-length: +1\r\n\r\na",
        0,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\ntransfer-encoding: gzip\r\n\r\n",
        0,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.0\r\nhost: api.test:PORT\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        0,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\nx-a: b\r\n c\r\n\r\n",
        0,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost : api.test:PORT\r\n\r\n",
        0,
    ),
    ("GET http://api.test:PORT/\r\n\r\n", 0),
    (
        "GET http://api.test:PORT/ HTTP/2.0\r\nhost: api.test:PORT\r\n\r\n",
        0,
    ),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    // Other protocols.
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        400,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n",
        400,
    ),
    (
        "POST http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\nexpect: 200-ok\r\ncontent-length: 0\r\n\r\n",
        400,
    ),
];

#[tokio::test]
async fn nothing_odd_passes_at_the_door() {
    let house = House::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let at = origin::plain(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { origin::text("reached") }
    })
    .await;
    // Loopback by its address is for those who may.
    for (head, status) in AT_THE_DOOR {
        let head = head.replace("PORT", &at.port().to_string());
        let before = house.gate.refusals().len();
        let answer = client::raw(house.door, &head).await;
        if *status == 0 {
            let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
            assert!(refused, "{head:?}: {answer}");
        } else {
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{head:?}: {answer}"
            );
            assert!(answer.contains("valetkey-code: "), "{head:?}: {answer}");
            assert_eq!(
                house.gate.refusals().len(),
                before + 1,
                "{head:?} is not recorded"
            );
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert!(house.gate.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_length_beside_a_coding_is_dropped_and_a_fragment_too() {
    let house = House::new().await;
    let at = origin::plain(origin::echo).await;
    for framing in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 3",
    ] {
        let head = format!(
            "POST http://api.test:{0}/x#evil.test HTTP/1.1\r\nhost: api.test:{0}\r\n{framing}\r\n\r\n\
             4\r\nbody\r\n0\r\n\r\n",
            at.port()
        );
        let answer = client::raw(house.door, &head).await;
        assert!(
            answer.contains("POST /x\n") && answer.ends_with("body"),
            "{answer}"
        );
        assert!(answer.contains("transfer-encoding: chunked\n"), "{answer}");
        assert!(!answer.contains("content-length: 3"), "{answer}");
    }
}

/// Found by fuzzing: what went on had no target at all, and so no first line that servers agree on.
#[tokio::test]
async fn a_url_with_a_fragment_and_no_path_is_for_the_root() {
    let house = House::new().await;
    let at = origin::plain(origin::echo).await;
    for (rest, target) in [("#a/b", "/"), ("?c=d#a", "/?c=d"), ("/#a", "/"), ("", "/")] {
        let head = format!(
            "POST http://api.test:{0}{rest} HTTP/1.1\r\nhost: api.test:{0}\r\n\r\n",
            at.port()
        );
        let answer = client::raw(house.door, &head).await;
        assert!(answer.contains(&format!("POST {target}\n")), "{answer}");
    }
}

const INSIDE: &[(&str, u16)] = &[
    ("GET / HTTP/1.1\r\nhost: evil.test:PORT\r\n\r\n", 421),
    ("GET / HTTP/1.1\r\nhost: api.test\r\n\r\n", 421),
    (
        "GET / HTTP/1.1\r\nhost: api.test:PORT\r\nhost: evil.test\r\n\r\n",
        421,
    ),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.0\r\n\r\n", 400),
    (
        "GET https://evil.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET http://api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "GET https://u@api.test:PORT/ HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        421,
    ),
    (
        "CONNECT api.test:PORT HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n",
        400,
    ),
    ("OPTIONS * HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n", 400),
    ("TRACE / HTTP/1.1\r\nhost: api.test:PORT\r\n\r\n", 400),
    (
        "GET / HTTP/1.1\r\nhost: api.test:PORT\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        400,
    ),
];

#[tokio::test]
async fn nothing_odd_passes_inside() {
    let house = House::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let at = origin::tls(false, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { origin::text("reached") }
    })
    .await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    for (head, status) in INSIDE {
        let head = head.replace("PORT", &at.port().to_string());
        let mut stream = client::inside(&house, &authority, &[b"http/1.1"]).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = client::whole(&mut stream).await;
        let (_, rest) = answer.split_once(' ').unwrap_or_default();
        assert!(
            rest.starts_with(&format!("{status} ")),
            "{head:?}: {answer}"
        );
    }
    assert_eq!(house.gate.refusals().len(), INSIDE.len());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_authority_of_http2_is_the_one_that_was_connected_to() {
    let house = House::new().await;
    let at = origin::tls(true, origin::echo).await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    let stream = client::inside(&house, &authority, &[b"h2"]).await;
    let mut sender = client::http2(stream).await;
    let of = |uri: String| client::get(&uri, "ignored").map(|body| body);
    for uri in [
        format!("https://evil.test:{}/", at.port()),
        "https://api.test/".to_owned(),
        format!("http://{authority}/"),
    ] {
        let mut request = of(uri.clone());
        request.headers_mut().remove("host");
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 421, "{uri}");
    }
    let response = sender.send_request(client::get(&format!("https://{authority}/"), "evil.test"));
    assert_eq!(response.await.unwrap().status(), 421);
    let fine = sender.send_request(client::get(&format!("https://{authority}/"), &authority));
    assert_eq!(fine.await.unwrap().status(), 200);
    assert_eq!(house.gate.refusals(), [Code::TargetMismatch; 4]);
}
