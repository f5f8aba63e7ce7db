//! WebSockets: bytes both ways after the handshake.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use valetkey_core::Placement;

use crate::{
    client,
    house::{House, PLACEHOLDER},
    origin::{self, Body},
};

/// Agrees to a WebSocket and sends back what it hears, as it is.
pub(crate) async fn parrot(request: Request<Incoming>) -> Response<Body> {
    agree(request, <[u8]>::to_vec)
}

/// The same with each frame as a server sends it. They come whole, with a mask of zeros, and are short.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    agree(request, |frame| {
        let [first, second, 0, 0, 0, 0, payload @ ..] = frame else {
            return frame.to_vec();
        };
        [&[*first, second & 0x7f][..], payload].concat()
    })
}

fn agree(mut request: Request<Incoming>, answer: fn(&[u8]) -> Vec<u8>) -> Response<Body> {
    let key = request.headers()["sec-websocket-key"].clone();
    assert_eq!(request.headers()["upgrade"], "websocket");
    assert_eq!(request.headers()["connection"], "upgrade");
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut buffer = [0; 1024];
        while let Ok(came @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&answer(&buffer[..came])).await.unwrap();
        }
    });
    let mut response = origin::text("");
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert("upgrade", "websocket".parse().unwrap());
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("sec-websocket-accept", key);
    response
}

pub(crate) fn head(target: &str, host: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: abc\r\n\
         sec-websocket-extensions: permessage-deflate\r\n\r\n"
    )
}

/// Asks the host for a WebSocket.
async fn ask(house: &House, host: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.door).await.unwrap();
    let head = head(&format!("http://{host}/"), host);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The same, where a value goes to the host, and hears that it agrees.
async fn lent(house: &House, host: &str, place: Placement, always: bool) -> TcpStream {
    let (origin, value) = (format!("http://{host}"), "sk-live-canary-7777");
    house.gate.inject("key", &origin, place, always, value);
    let mut stream = ask(house, host).await;
    let answer = client::whole(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    stream
}

#[tokio::test]
async fn bytes_pass_after_the_handshake() {
    let house = House::new().await;
    let at = origin::plain(parrot).await;
    let host = format!("api.test:{}", at.port());
    let mut stream = ask(&house, &host).await;
    talk(&mut stream).await;
    let at = origin::tls(true, parrot).await;
    let host = format!("api.test:{}", at.port());
    house.gate.look_into(format!("https://{host}"));
    let mut stream = client::inside(&house, &host, &[b"http/1.1"]).await;
    stream.write_all(head("/", &host).as_bytes()).await.unwrap();
    talk(&mut stream).await;
}

/// What an agent says in a WebSocket is no reading, though it begins with a GET.
#[tokio::test]
async fn who_may_only_read_opens_none() {
    let house = House::new().await;
    let at = origin::plain(parrot).await;
    let host = format!("api.test:{}", at.port());
    house.gate.deny(format!("POST http://{host}/"));
    let mut stream = ask(&house, &host).await;
    let answer = client::whole(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn a_value_is_lent_to_one_as_to_what_writes() {
    let header = Placement::Header {
        name: "authorization".into(),
        prefix: "Bearer ".into(),
    };
    let message = Placement::WebSocket {
        pointer: "/token".into(),
    };
    for (place, always) in [(header, true), (message, false)] {
        let house = House::new().await;
        let at = origin::plain(parrot).await;
        let host = format!("api.test:{}", at.port());
        lent(&house, &host, place, always).await;
        assert_eq!(*house.gate.lent.lock().unwrap(), ["key write"]);
    }
}

async fn talk(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) {
    let answer = client::whole(stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-accept: abc\r\n"), "{answer}");
    for word in ["one", "two", "three"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut heard = vec![0; word.len()];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, word.as_bytes());
    }
}

/// A short frame of text of a client's, with a mask of zeros.
fn frame(text: &str) -> Vec<u8> {
    let head = [0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    [&head, text.as_bytes()].concat()
}

#[tokio::test]
async fn a_value_goes_into_the_first_message_and_does_not_come_back() {
    let house = House::new().await;
    let at = origin::plain(echo).await;
    let host = format!("api.test:{}", at.port());
    let place = Placement::WebSocket {
        pointer: "/token".into(),
    };
    let mut stream = lent(&house, &host, place, false).await;
    let sent = format!("{{\"token\":\"{PLACEHOLDER}\"}}");
    stream.write_all(&frame(&sent)).await.unwrap();
    // It comes back with the value masked out.
    let expected = b"\x81\x1f{\"token\":\"xxxxxxxxxxxxxxxxxxx\"}";
    let mut heard = [0; 2 + 31];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(
        heard.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
    // What could be the beginning of the value does not wait for more.
    stream.write_all(&frame("sk-live-c")).await.unwrap();
    let mut heard = [0; 2 + 9];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"\x81\x09sk-live-c");
}

#[tokio::test]
async fn an_origin_that_speaks_no_websocket_is_not_listened_to() {
    let house = House::new().await;
    let at = origin::plain(parrot).await;
    let host = format!("api.test:{}", at.port());
    let place = Placement::Header {
        name: "authorization".into(),
        prefix: "Bearer ".into(),
    };
    let mut stream = lent(&house, &host, place, true).await;
    // A client masks, and this origin sends the same back.
    stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"");
}

/// Whoever opens a WebSocket and says nothing has the value for no longer than others.
#[tokio::test]
async fn a_value_that_was_taken_back_goes_into_no_message() {
    let house = House::new().await;
    let at = origin::plain(echo).await;
    let host = format!("api.test:{}", at.port());
    let place = Placement::WebSocket {
        pointer: "/token".into(),
    };
    let mut stream = lent(&house, &host, place, false).await;
    house.gate.take_back("key");
    let text = format!("{{\"token\":\"{PLACEHOLDER}\"}}");
    stream.write_all(&frame(&text)).await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"");
}
