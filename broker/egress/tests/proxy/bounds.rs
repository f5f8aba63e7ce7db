//! How much of one session is under way at once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::{Bytes, Frame},
    client::conn::http2,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::yield_now,
};
use valetkey_egress::Limits;

use crate::{
    client,
    house::{self, House},
    inject::{VALUE, bearer},
    origin::{self, Body},
};

#[tokio::test]
async fn a_request_too_many_is_refused_at_once() {
    let house = House::with(Limits {
        requests: 2,
        ..house::limits()
    })
    .await;
    let (come, mut coming) = watch::channel(0);
    let leave = Arc::new(Semaphore::new(0));
    let (come, leaving) = (Arc::new(come), Arc::clone(&leave));
    let at = origin::plain(move |_| {
        let (come, leaving) = (Arc::clone(&come), Arc::clone(&leaving));
        async move {
            come.send_modify(|all| *all += 1);
            leaving.acquire().await.unwrap().forget();
            origin::text("done")
        }
    })
    .await;
    let host = format!("api.test:{}", at.port());
    let head = format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let beside = async {
        coming.wait_for(|all| *all == 2).await.unwrap();
        let asked = house.gate.asked.lock().unwrap().len();
        let tunnel = format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        for third in [&head, &tunnel] {
            let answer = client::raw(house.door, third).await;
            assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
            assert!(answer.contains("too_many_requests"), "{answer}");
            assert!(answer.contains("send fewer at once"), "{answer}");
        }
        assert_eq!(house.gate.asked.lock().unwrap().len(), asked);
        leave.add_permits(3);
    };
    let (first, second) = (
        client::raw(house.door, &head),
        client::raw(house.door, &head),
    );
    let (first, second, ()) = tokio::join!(first, second, beside);
    for answer in [first, second, client::raw(house.door, &head).await] {
        assert!(answer.ends_with("done"), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_takes_the_places_of_its_window() {
    let house = House::with(Limits {
        requests: 10,
        ..house::limits()
    })
    .await;
    let (open, opening) = watch::channel(false);
    let at = origin::tls(false, move |request: Request<hyper::body::Incoming>| {
        let mut opening = opening.clone();
        async move {
            let coding = request.uri().path()[1..].parse().unwrap();
            let body = stream::once(async move {
                opening.wait_for(|open| *open).await.unwrap();
                // In `br` a block of seven bytes as it is, and an empty last one.
                let body = Bytes::from_static(b"\x0f\x03\x80a value\x03");
                Ok::<_, Infallible>(Frame::data(body))
            });
            let mut response = Response::new(StreamBody::new(body).boxed_unsync());
            response.headers_mut().insert("content-encoding", coding);
            response
        }
    })
    .await;
    let authority = format!("api.test:{}", at.port());
    let url = format!("https://{authority}");
    house.gate.inject("key", &url, bearer(), true, VALUE);
    let mut sender = client::http2(client::inside(&house, &authority, &[b"h2"]).await).await;
    let mut answers = Vec::new();
    for (coding, status) in [("br", 200), ("br", 502), ("identity", 200)] {
        let request = client::get(&format!("{url}/{coding}"), &authority);
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{coding}");
        answers.push(response);
    }
    open.send(true).unwrap();
    let text = client::text(answers.remove(0)).await;
    assert_eq!(text, "a value");
    // It was read to its end, and its places are free again.
    let request = client::get(&format!("{url}/br"), &authority);
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(client::text(response).await, "a value");
}

/// An answer that a client does not take waits in HTTP/2, where it costs the client nothing.
#[tokio::test]
async fn an_answer_keeps_its_place_until_it_is_taken() {
    let house = House::with(Limits {
        requests: 2,
        ..house::limits()
    })
    .await;
    let at = origin::tls(false, async |_| origin::text("done")).await;
    let authority = format!("api.test:{}", at.port());
    let url = format!("https://{authority}");
    house.gate.look_into(&url);
    let stream = client::inside(&house, &authority, &[b"h2"]).await;
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for status in [200, 200, 429] {
        let request = client::get(&format!("{url}/"), &authority);
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status);
        answers.push(response);
        for _ in 0..1000 {
            yield_now().await;
        }
    }
    for answer in answers.drain(..2) {
        assert_eq!(client::text(answer).await, "done");
    }
    let request = client::get(&format!("{url}/"), &authority);
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(client::text(response).await, "done");
}

/// Counts what has left it, and has no end.
fn endless(given: Arc<AtomicUsize>) -> Body {
    let piece = Bytes::from(vec![b'z'; 16 * 1024]);
    let frames = stream::repeat_with(move || {
        given.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, Infallible>(Frame::data(piece.clone()))
    });
    StreamBody::new(frames).boxed_unsync()
}

#[tokio::test]
async fn what_one_connection_sends_unread_is_bounded() {
    let house = House::new().await;
    // Nobody accepts, so nothing is read of what is to go there.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = format!("api.test:{}", silent.local_addr().unwrap().port());
    let url = format!("https://{authority}/");
    house.gate.look_into(format!("https://{authority}"));
    let sender = client::http2(client::inside(&house, &authority, &[b"h2"]).await).await;
    let given = Arc::new(AtomicUsize::new(0));
    for _ in 0..16 {
        let body = endless(Arc::clone(&given));
        let request = Request::post(&url).body(body).unwrap();
        tokio::spawn(sender.clone().send_request(request));
    }
    let limits = Limits::default();
    let window = usize::try_from(limits.connection_window).unwrap();
    let mut still = 0;
    while given.load(Ordering::Relaxed) < window || still < 1000 {
        let before = given.load(Ordering::Relaxed);
        yield_now().await;
        let now = given.load(Ordering::Relaxed);
        still = if now == before { still + 1 } else { 0 };
        // The client itself holds a piece or two of each stream.
        assert!(now <= 2 * window, "{now} bytes");
    }
}

#[tokio::test]
async fn a_head_too_large_for_a_stream_is_refused() {
    let house = House::new().await;
    let at = origin::tls(false, origin::echo).await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    let mut sender = client::http2(client::inside(&house, &authority, &[b"h2"]).await).await;
    let url = format!("https://{authority}/");
    for (size, status) in [(30 * 1024, 200), (33 * 1024, 431)] {
        let mut request = client::get(&url, &authority);
        let value = "z".repeat(size).parse().unwrap();
        request.headers_mut().insert("x-long", value);
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{size}");
    }
}

/// What asks for a name goes on asking when whoever wanted to know has gone.
#[tokio::test]
async fn names_that_nobody_answers_for_take_no_more_than_their_places() {
    let house = House::with(Limits {
        lookups: 2,
        connect_timeout: Duration::from_millis(50),
        ..house::limits()
    })
    .await;
    house.names.1.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let refused = client::connect(house.door, "dead.test:443")
            .await
            .unwrap_err();
        assert!(refused.contains("host_unreachable"), "{refused}");
    }
    house.names.1.store(false, Ordering::Relaxed);
    let at = origin::plain(origin::echo).await;
    house.names.0.lock().unwrap().push_back(vec![at]);
    let refused = client::connect(house.door, "other.test:443")
        .await
        .unwrap_err();
    assert!(refused.contains("host_unreachable"), "{refused}");
    assert_eq!(
        house.names.0.lock().unwrap().len(),
        1,
        "it was not asked for"
    );
}

/// Each has a window that the broker fills.
#[tokio::test]
async fn a_connection_too_many_speaks_http1() {
    let house = House::with(Limits {
        multiplexed: 1,
        ..house::limits()
    })
    .await;
    let at = origin::tls(false, origin::echo).await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    let both: [&[u8]; 2] = [b"h2", b"http/1.1"];
    let first = client::inside(&house, &authority, &both).await;
    let spoken = |stream: &client::Tls| stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    assert_eq!(spoken(&first).unwrap(), b"h2");
    let second = client::inside(&house, &authority, &both).await;
    assert_eq!(spoken(&second).unwrap(), b"http/1.1");
    let mut sender = client::http1(second).await;
    let response = sender.send_request(client::get("/", &authority)).await;
    assert_eq!(response.unwrap().status(), 200);
}
