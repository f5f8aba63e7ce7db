//! Bodies that last: what is held of them is bounded, and nothing waits for their end.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{Request, Response, header::HeaderMap};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body as _, Bytes, Frame};
use tokio::{net::TcpStream, sync::mpsc};
use valetkey_core::Placement;

use crate::{
    client,
    house::House,
    origin::{self, Body},
};

fn channel() -> (mpsc::Sender<&'static str>, Body) {
    let (sender, receiver) = mpsc::channel::<&'static str>(1);
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let next = receiver.recv().await?;
        Some((
            Ok::<_, Infallible>(Frame::data(Bytes::from(next))),
            receiver,
        ))
    });
    (sender, StreamBody::new(frames).boxed_unsync())
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    for (h2, scrubbed) in [(false, false), (true, false), (false, true), (true, true)] {
        let house = House::new().await;
        let (events, body) = channel();
        let body = Arc::new(std::sync::Mutex::new(Some(body)));
        let at = origin::tls(h2, move |_| {
            let body = body.lock().unwrap().take().unwrap();
            async move { Response::new(body) }
        })
        .await;
        let authority = format!("api.test:{}", at.port());
        let url = format!("https://{authority}");
        house.gate.look_into(&url);
        if scrubbed {
            let place = Placement::Header {
                name: "authorization".into(),
                prefix: String::new(),
            };
            house
                .gate
                .inject("key", &url, place, true, "a-value-to-hide");
        }
        let mut body = if h2 {
            let mut sender =
                client::http2(client::inside(&house, &authority, &[b"h2"]).await).await;
            let request = client::get(&format!("{url}/"), &authority);
            sender.send_request(request).await.unwrap().into_body()
        } else {
            let stream = client::inside(&house, &authority, &[b"http/1.1"]).await;
            let mut sender = client::http1(stream).await;
            sender
                .send_request(client::get("/", &authority))
                .await
                .unwrap()
                .into_body()
        };
        for event in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
            events.send(event).await.unwrap();
            // The next one is not sent before this one has come.
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), event);
        }
        drop(events);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "");
    }
}

/// Counts what has left it.
fn endless(given: Arc<AtomicU64>, pieces: u64) -> Body {
    let piece = Bytes::from(vec![b'z'; PIECE]);
    let frames = futures_util::stream::iter((0..pieces).map(move |_| {
        given.fetch_add(PIECE as u64, Ordering::Relaxed);
        Ok::<_, Infallible>(Frame::data(piece.clone()))
    }));
    StreamBody::new(frames).boxed_unsync()
}

const PIECE: usize = 64 * 1024;
/// What sockets of loopback and windows of HTTP/2 hold on the way, generously.
const HELD: u64 = 24 << 20;
const PIECES: u64 = 1600;

#[tokio::test]
async fn a_download_that_nobody_reads_waits_at_the_origin() {
    for h2 in [false, true] {
        let house = House::new().await;
        let given = Arc::new(AtomicU64::new(0));
        let giving = Arc::clone(&given);
        let at = origin::tls(h2, move |_| {
            let body = endless(Arc::clone(&giving), PIECES);
            async move { Response::new(body) }
        })
        .await;
        let authority = format!("api.test:{}", at.port());
        let url = format!("https://{authority}");
        house.gate.look_into(&url);
        let protocol: &[u8] = if h2 { b"h2" } else { b"http/1.1" };
        let stream = client::inside(&house, &authority, &[protocol]).await;
        let mut body = if h2 {
            let mut sender = client::http2(stream).await;
            let request = client::get(&format!("{url}/"), &authority);
            sender.send_request(request).await.unwrap().into_body()
        } else {
            let mut sender = client::http1(stream).await;
            sender
                .send_request(client::get("/", &authority))
                .await
                .unwrap()
                .into_body()
        };
        // At each step, what was given and not taken is bounded.
        let mut taken = 0;
        while let Some(frame) = body.frame().await {
            taken += frame.unwrap().into_data().unwrap().len() as u64;
            let held = given.load(Ordering::Relaxed) - taken;
            assert!(held < HELD, "{held} bytes are held");
        }
        assert_eq!(taken, PIECES * PIECE as u64);
    }
}

#[tokio::test]
async fn an_upload_that_nobody_reads_waits_at_the_client() {
    for h2 in [false, true] {
        let house = House::new().await;
        let taken = Arc::new(AtomicU64::new(0));
        let taking = Arc::clone(&taken);
        let given = Arc::new(AtomicU64::new(0));
        let giving = Arc::clone(&given);
        let at = origin::tls(h2, move |request| {
            let (taking, giving) = (Arc::clone(&taking), Arc::clone(&giving));
            async move {
                let mut body = request.into_body();
                while let Some(Ok(frame)) = body.frame().await {
                    let bytes = frame.into_data().unwrap().len() as u64;
                    let taken = taking.fetch_add(bytes, Ordering::Relaxed) + bytes;
                    let held = giving.load(Ordering::Relaxed).saturating_sub(taken);
                    assert!(held < HELD, "{held} bytes are held");
                }
                origin::text("all")
            }
        })
        .await;
        let authority = format!("api.test:{}", at.port());
        let url = format!("https://{authority}");
        house.gate.look_into(&url);
        let protocol: &[u8] = if h2 { b"h2" } else { b"http/1.1" };
        let stream = client::inside(&house, &authority, &[protocol]).await;
        let body = endless(Arc::clone(&given), PIECES);
        let response = if h2 {
            let mut sender = client::http2(stream).await;
            let request = Request::post(format!("{url}/")).body(body).unwrap();
            sender.send_request(request).await.unwrap()
        } else {
            let mut sender = client::http1(stream).await;
            let request = Request::post("/")
                .header("host", &authority)
                .body(body)
                .unwrap();
            sender.send_request(request).await.unwrap()
        };
        assert_eq!(client::text(response).await, "all");
        assert_eq!(taken.load(Ordering::Relaxed), PIECES * PIECE as u64);
        let mut used = house.gate.used.subscribe();
        let whole = |used: &Vec<valetkey_egress::Used>| {
            used.iter().map(|one| one.sent).sum::<u64>() == PIECES * PIECE as u64
                && used.iter().map(|one| one.requests).sum::<u64>() == 1
        };
        used.wait_for(whole).await.unwrap();
    }
}

/// An answer's. Those of a request, which gRPC does not have, would pass unread.
#[tokio::test]
async fn trailers_pass_as_grpc_wants_them() {
    let house = House::new().await;
    let at = origin::tls(true, |request: Request<hyper::body::Incoming>| async move {
        assert_eq!(request.headers()["te"], "trailers");
        let asked = request.into_body().collect().await.unwrap();
        assert!(asked.trailers().is_none());
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let frames = [
            Ok::<_, Infallible>(Frame::data(asked.to_bytes())),
            Ok(Frame::trailers(trailers)),
        ];
        let mut response =
            Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync());
        response
            .headers_mut()
            .insert("content-type", "application/grpc".parse().unwrap());
        response
    })
    .await;
    let authority = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{authority}"));
    let mut sender = client::http2(client::inside(&house, &authority, &[b"h2"]).await).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-http-method-override", "DELETE".parse().unwrap());
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from("message"))),
        Ok(Frame::trailers(trailers)),
    ];
    let request = Request::post(format!("https://{authority}/svc/Call"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(!response.body().is_end_stream());
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(whole.to_bytes(), "message");
}

#[tokio::test]
async fn a_stream_that_goes_on_is_told_within_a_second() {
    let house = House::new().await;
    let (events, body) = channel();
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let at = origin::plain(move |_| {
        let body = body.lock().unwrap().take().unwrap();
        async move { Response::new(body) }
    })
    .await;
    let mut sender = client::http1(TcpStream::connect(house.door).await.unwrap()).await;
    let host = format!("api.test:{}", at.port());
    let request = client::get(&format!("http://{host}/"), &host);
    let mut response = sender.send_request(request).await.unwrap();
    events.send("first").await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    let mut used = house.gate.used.subscribe();
    let told = used.wait_for(|used| !used.is_empty()).await.unwrap()[0].clone();
    assert_eq!((told.requests, told.received), (1, 5));
    events.send("second").await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(events);
    let told = used.wait_for(|used| used.len() > 1).await.unwrap()[1].clone();
    assert_eq!((told.requests, told.received), (0, 6));
}
