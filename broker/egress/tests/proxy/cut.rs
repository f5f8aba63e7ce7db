//! What is open when a session ends, or changes, ends with it: on both legs, before the call returns.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::{
    client,
    house::{self, House, line},
    origin::{self, Body},
    websocket,
};

/// Generous: nothing waits for it unless something is not cut.
const SOON: Duration = Duration::from_secs(10);

/// Ready when the connection has ended, in whichever way.
async fn ended(stream: &mut (impl AsyncRead + Unpin)) {
    let reading = async {
        let mut bytes = [0; 4096];
        while matches!(stream.read(&mut bytes).await, Ok(1..)) {}
    };
    timeout(SOON, reading)
        .await
        .expect("a connection outlived its session");
}

/// Forwards to `port` and says when the proxy's side has gone.
async fn watched(port: u16) -> (u16, mpsc::UnboundedReceiver<()>) {
    let (gone, sees) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let gone = gone.clone();
            tokio::spawn(async move {
                let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut near_reads, mut near_writes) = near.into_split();
                let (mut far_reads, mut far_writes) = far.into_split();
                tokio::spawn(
                    async move { tokio::io::copy(&mut far_reads, &mut near_writes).await },
                );
                drop(tokio::io::copy(&mut near_reads, &mut far_writes).await);
                gone.send(()).ok();
            });
        }
    });
    (own, sees)
}

/// An answer that begins and does not end.
async fn forever(_: Request<hyper::body::Incoming>) -> Response<Body> {
    let frames = futures_util::stream::once(async {
        Ok::<_, Infallible>(Frame::data(Bytes::from("first")))
    });
    let frames = futures_util::StreamExt::chain(frames, futures_util::stream::pending());
    Response::new(StreamBody::new(frames).boxed_unsync())
}

/// Reads all it gets and never answers.
async fn swallow(request: Request<hyper::body::Incoming>) -> Response<Body> {
    drop(request.into_body().collect().await);
    std::future::pending().await
}

/// A body without end that says when its first piece was taken.
fn upload() -> (mpsc::Receiver<()>, Body) {
    let (took, taken) = mpsc::channel(1);
    let frames = futures_util::stream::unfold(took, |took| async move {
        took.send(()).await.ok()?;
        Some((
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; 1024]))),
            took,
        ))
    });
    (taken, StreamBody::new(frames).boxed_unsync())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Close,
    Change,
}

async fn cut(house: &House, how: How) {
    let cut = match how {
        How::Close => house.egress.close(house.session).await,
        How::Change => house.egress.changed(house.session).await,
    };
    assert_eq!(cut.connections, 1, "{how:?}");
}

#[tokio::test]
async fn an_idle_connection_is_cut() {
    for how in [How::Close, How::Change] {
        let house = House::new().await;
        let at = origin::plain(origin::echo).await;
        let (port, mut origin_saw) = watched(at.port()).await;
        let host = format!("api.test:{port}");
        let mut stream = TcpStream::connect(house.door).await.unwrap();
        let head = format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(
            client::whole(&mut stream)
                .await
                .starts_with("HTTP/1.1 200 ")
        );
        cut(&house, how).await;
        ended(&mut stream).await;
        timeout(SOON, origin_saw.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_tunnel_is_cut() {
    for how in [How::Close, How::Change] {
        let house = House::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut stream = client::connect(house.door, &format!("api.test:{port}"))
            .await
            .unwrap();
        let (mut origin, _) = listener.accept().await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        origin.read_exact(&mut [0; 4]).await.unwrap();
        cut(&house, how).await;
        ended(&mut stream).await;
        ended(&mut origin).await;
    }
}

#[tokio::test]
async fn a_download_is_cut() {
    for how in [How::Close, How::Change] {
        for h2 in [false, true] {
            let house = House::new().await;
            let at = origin::tls(h2, forever).await;
            let (port, mut origin_saw) = watched(at.port()).await;
            let authority = format!("api.test:{port}");
            house.gate.look_into(format!("https://{authority}"));
            let protocol: &[u8] = if h2 { b"h2" } else { b"http/1.1" };
            let stream = client::inside(&house, &authority, &[protocol]).await;
            let mut body = if h2 {
                let mut sender = client::http2(stream).await;
                let request = client::get(&format!("https://{authority}/"), &authority);
                sender.send_request(request).await.unwrap().into_body()
            } else {
                let mut sender = client::http1(stream).await;
                sender
                    .send_request(client::get("/", &authority))
                    .await
                    .unwrap()
                    .into_body()
            };
            body.frame().await.unwrap().unwrap();
            cut(&house, how).await;
            let rest = timeout(SOON, body.frame())
                .await
                .expect("a download outlived its session");
            assert!(rest.is_none_or(|rest| rest.is_err()));
            timeout(SOON, origin_saw.recv()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_upload_is_cut() {
    for how in [How::Close, How::Change] {
        for h2 in [false, true] {
            let house = House::new().await;
            let at = origin::tls(h2, swallow).await;
            let (port, mut origin_saw) = watched(at.port()).await;
            let authority = format!("api.test:{port}");
            house.gate.look_into(format!("https://{authority}"));
            let protocol: &[u8] = if h2 { b"h2" } else { b"http/1.1" };
            let stream = client::inside(&house, &authority, &[protocol]).await;
            let (mut taken, body) = upload();
            let sending = if h2 {
                let mut sender = client::http2(stream).await;
                let request = Request::post(format!("https://{authority}/"))
                    .body(body)
                    .unwrap();
                tokio::spawn(async move { sender.send_request(request).await.map(drop) })
            } else {
                let mut sender = client::http1(stream).await;
                let request = Request::post("/")
                    .header("host", &authority)
                    .body(body)
                    .unwrap();
                tokio::spawn(async move { sender.send_request(request).await.map(drop) })
            };
            for _ in 0..100 {
                taken.recv().await.unwrap();
            }
            let drain = tokio::spawn(async move { while taken.recv().await.is_some() {} });
            cut(&house, how).await;
            let sent = timeout(SOON, sending)
                .await
                .expect("an upload outlived its session");
            assert!(sent.unwrap().is_err());
            timeout(SOON, origin_saw.recv()).await.unwrap();
            drain.abort();
        }
    }
}

#[tokio::test]
async fn a_websocket_is_cut() {
    for how in [How::Close, How::Change] {
        let house = House::new().await;
        let at = origin::tls(false, websocket::parrot).await;
        let (port, mut origin_saw) = watched(at.port()).await;
        let host = format!("api.test:{port}");
        house.gate.look_into(format!("https://{host}"));
        let mut stream = client::inside(&house, &host, &[b"http/1.1"]).await;
        stream
            .write_all(websocket::head("/", &host).as_bytes())
            .await
            .unwrap();
        assert!(
            client::whole(&mut stream)
                .await
                .starts_with("HTTP/1.1 101 ")
        );
        stream.write_all(b"ping").await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        cut(&house, how).await;
        ended(&mut stream).await;
        timeout(SOON, origin_saw.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn after_a_change_the_listener_answers_and_after_the_end_it_is_gone() {
    let mut house = House::new().await;
    let at = origin::plain(origin::echo).await;
    let host = format!("api.test:{}", at.port());
    let head = format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
    house.egress.changed(house.session).await;
    assert!(
        client::raw(house.door, &head)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    house.egress.close(house.session).await;
    // The test's own end of the listener was closed when it was handed in.
    TcpStream::connect(house.door).await.unwrap_err();
    assert_eq!(
        line(&mut house.launcher).await,
        "{\"over\":\"session_revoked\"}\n"
    );
    assert_eq!(line(&mut house.launcher).await, "");
    assert_eq!(house.egress.close(house.session).await.connections, 0);
}

#[tokio::test]
async fn when_the_launcher_leaves_its_room_is_emptied_and_free() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut stream = client::connect(house.door, &format!("api.test:{port}"))
        .await
        .unwrap();
    let (mut origin, _) = listener.accept().await.unwrap();
    drop(house.launcher);
    ended(&mut stream).await;
    ended(&mut origin).await;
    // Another sandbox of the session may come as soon as the first has been seen off.
    let again = async {
        loop {
            let (door, launcher) = house::enter(&house.folder, &house.session.to_string()).await;
            let mut launcher = tokio::io::BufReader::new(launcher);
            if line(&mut launcher).await == "{\"ok\":true}\n" {
                return (door, launcher);
            }
        }
    };
    let (door, _launcher) = timeout(SOON, again).await.unwrap();
    client::connect(door, &format!("api.test:{port}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_broker_that_stops_closes_every_room() {
    let mut house = House::new().await;
    let mut stream = TcpStream::connect(house.door).await.unwrap();
    // It is answered, so it was accepted: whoever was not waits for the next broker.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    client::whole(&mut stream).await;
    house.egress.stop().await;
    ended(&mut stream).await;
    assert_eq!(
        line(&mut house.launcher).await,
        "{\"over\":\"shutting_down\"}\n"
    );
    house.stop.cancel();
    let _ = Arc::clone(&house.egress);
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let brief = Duration::from_millis(50);
    let long = Duration::from_secs(600);
    for (said, head_timeout, idle_timeout) in [
        ("", long, brief),
        ("", brief, 4 * brief),
        ("GET http://api.test/ HTT", brief, long),
    ] {
        let house = House::with(valetkey_egress::Limits {
            head_timeout,
            idle_timeout,
            ..house::limits()
        })
        .await;
        let mut stream = TcpStream::connect(house.door).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        ended(&mut stream).await;
    }
}
