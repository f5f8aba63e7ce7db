//! What is put into requests, and does not come back.

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response, header::HeaderMap};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use tokio::net::TcpStream;
use valetkey_codes::Code;
use valetkey_core::Placement;
use valetkey_egress::Used;

use crate::{
    client,
    house::{House, OTHER_PLACEHOLDER, PLACEHOLDER},
    origin::{self, Body},
};

pub(crate) const VALUE: &str = "sk-live-canary-7777";
/// `you sent Bearer sk-live-canary-7777 twice: sk-live-canary-7777`
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 204, 47, 85, 40, 78, 205, 43, 81, 112, 74, 77, 44, 74,
    45, 82, 40, 206, 214, 205, 201, 44, 75, 213, 77, 78, 204, 75, 44, 170, 212, 53, 7, 2, 133, 146,
    242, 204, 228, 84, 43, 108, 82, 0, 68, 168, 159, 240, 62, 0, 0, 0,
];

pub(crate) fn bearer() -> Placement {
    Placement::Header {
        name: "authorization".into(),
        prefix: "Bearer ".into(),
    }
}

/// Tells whether the value came, and echoes it in every way.
async fn chatty(request: Request<Incoming>) -> Response<Body> {
    let came = request
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    let came = came.unwrap_or_default();
    let arrived = (came == format!("Bearer {VALUE}")).to_string();
    let mut response = match request.uri().path() {
        "/gzip" => {
            let mut response = origin::text(GZIPPED);
            response
                .headers_mut()
                .insert("content-encoding", "gzip".parse().unwrap());
            response
        }
        "/transfer" => {
            let mut response = origin::text(GZIPPED);
            response
                .headers_mut()
                .insert("transfer-encoding", "gzip, chunked".parse().unwrap());
            response
        }
        "/chunks" => {
            let whole = format!("a {came} b {came} c");
            let pieces: Vec<_> = whole
                .bytes()
                .map(|byte| Ok::<_, Infallible>(Frame::data(vec![byte].into())))
                .collect();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-trailer", came.parse().unwrap());
            let last = [Ok(Frame::trailers(trailers))];
            let body = StreamBody::new(futures_util::stream::iter(pieces.into_iter().chain(last)));
            let mut response = Response::new(body.boxed_unsync());
            response
                .headers_mut()
                .insert("trailer", "x-trailer".parse().unwrap());
            response
        }
        "/reason" => {
            let mut response = origin::text("");
            let reason = hyper::ext::ReasonPhrase::try_from(came.as_bytes()).unwrap();
            response.extensions_mut().insert(reason);
            response
        }
        _ => origin::text(format!("you sent {came}")),
    };
    let headers = response.headers_mut();
    headers.insert("x-arrived", arrived.parse().unwrap());
    headers.insert("x-echo", came.parse().unwrap());
    headers.insert(
        "location",
        format!("https://evil.test/?{came}").parse().unwrap(),
    );
    response
}

#[tokio::test]
async fn a_value_goes_out_and_does_not_come_back() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    house.gate.inject("key", &base, bearer(), true, VALUE);
    for path in ["/", "/gzip", "/chunks", "/reason"] {
        let stream = TcpStream::connect(house.door).await.unwrap();
        let mut sender = client::http1(stream).await;
        let mut request = client::get(&format!("{base}{path}"), &base["http://".len()..]);
        request
            .headers_mut()
            .insert("te", "trailers".parse().unwrap());
        request
            .headers_mut()
            .insert("accept-encoding", "zstd".parse().unwrap());
        let response = sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["x-arrived"], "true", "{path}");
        let body = body.collect().await.unwrap();
        let seen = format!(
            "{parts:?} {:?} {:?}",
            body.trailers().cloned(),
            body.to_bytes()
        );
        assert!(!seen.contains(VALUE), "{path}: {seen}");
        assert!(!seen.contains("canary"), "{path}: {seen}");
        if path == "/chunks" {
            assert!(seen.contains("x-trailer"), "{seen}");
        }
        if path == "/gzip" {
            assert!(seen.contains("you sent"), "{seen}");
        }
    }
    // What a library of HTTP does not show: the words after the status.
    let host = &base["http://".len()..];
    let head = format!("GET {base}/reason HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let answer = client::raw(house.door, &head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let mut used = house.gate.used.subscribe();
    let used = used.wait_for(|used| used.len() == 5).await.unwrap();
    assert!(used.iter().all(|used| {
        used.credential
            .as_ref()
            .is_some_and(|name| name.as_str() == "key")
    }));
}

/// Found by fuzzing: the hop's own headers were gone before they were read, and a body that was compressed
/// in the transfer coding passed without being searched.
#[tokio::test]
async fn a_body_in_a_transfer_coding_that_is_not_searched_does_not_pass() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    house.gate.inject("key", &base, bearer(), true, VALUE);
    let stream = TcpStream::connect(house.door).await.unwrap();
    let mut sender = client::http1(stream).await;
    let request = client::get(&format!("{base}/transfer"), &base["http://".len()..]);
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 502);
    assert!(!response.headers().contains_key("x-arrived"));
}

#[tokio::test]
async fn a_value_goes_out_over_tls_and_does_not_come_back() {
    for (origin_h2, client_h2) in [(false, false), (true, false), (false, true), (true, true)] {
        let house = House::new().await;
        let at = origin::tls(origin_h2, chatty).await;
        let authority = format!("api.test:{}", at.port());
        house.gate.inject(
            "key",
            &format!("https://{authority}"),
            bearer(),
            true,
            VALUE,
        );
        let protocol: &[u8] = if client_h2 { b"h2" } else { b"http/1.1" };
        let stream = client::inside(&house, &authority, &[protocol]).await;
        let response = if client_h2 {
            let mut sender = client::http2(stream).await;
            let uri = format!("https://{authority}/chunks");
            sender
                .send_request(client::get(&uri, &authority))
                .await
                .unwrap()
        } else {
            let mut sender = client::http1(stream).await;
            sender
                .send_request(client::get("/chunks", &authority))
                .await
                .unwrap()
        };
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["x-arrived"], "true");
        let body = body.collect().await.unwrap();
        let seen = format!(
            "{parts:?} {:?} {:?}",
            body.trailers().cloned(),
            body.to_bytes()
        );
        assert!(!seen.contains("canary"), "{seen}");
    }
}

/// Keeps what it is sent, and tells whoever comes next.
async fn gossip() -> std::net::SocketAddr {
    let kept = Arc::new(std::sync::Mutex::new(String::new()));
    origin::plain(move |request| {
        let kept = Arc::clone(&kept);
        async move {
            if let Some(came) = request.headers().get("authorization") {
                *kept.lock().unwrap() = came.to_str().unwrap().to_owned();
            }
            origin::text(kept.lock().unwrap().clone())
        }
    })
    .await
}

#[tokio::test]
async fn an_origin_that_keeps_a_value_does_not_tell_it_later() {
    let house = House::new().await;
    let at = gossip().await;
    let base = format!("http://api.test:{}", at.port());
    house.gate.inject("key", &base, bearer(), false, VALUE);
    let host = &base["http://".len()..];
    for with in [
        format!("authorization: Bearer {PLACEHOLDER}\r\n"),
        String::new(),
    ] {
        let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n{with}\r\n");
        let answer = client::raw(house.door, &head).await;
        assert!(answer.ends_with("Bearer xxxxxxxxxxxxxxxxxxx"), "{answer}");
    }
    assert_eq!(*house.gate.lent.lock().unwrap(), ["key read"]);
}

/// An agent that may use a value at many hosts is not told it by another one of them.
#[tokio::test]
async fn no_other_host_of_the_same_credential_tells_it() {
    let house = House::new().await;
    let at = gossip().await;
    let hosts = ["a", "b"].map(|name| format!("{name}.api.test:{}", at.port()));
    let pattern = format!("http://*.api.test:{}", at.port());
    house.gate.inject("key", &pattern, bearer(), false, VALUE);
    let [a, b] = &hosts;
    // To which another one goes as well.
    let other = Placement::Query { name: "key".into() };
    let more = format!("http://{b}");
    house
        .gate
        .inject("other", &more, other, false, "another-value-8888");
    for (host, with) in [
        (a, format!("authorization: Bearer {PLACEHOLDER}\r\n")),
        (b, String::new()),
    ] {
        let head = format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\n{with}\r\n");
        let answer = client::raw(house.door, &head).await;
        assert!(answer.ends_with("Bearer xxxxxxxxxxxxxxxxxxx"), "{answer}");
    }
}

#[tokio::test]
async fn of_one_credential_the_first_entry_that_fits_counts() {
    let house = House::new().await;
    let at = origin::plain(|request| async move {
        let query = request.uri().query().unwrap_or("nothing").to_owned();
        origin::text(format!("{query} {}", request.headers().len()))
    })
    .await;
    let base = format!("http://api.test:{}", at.port());
    let query = Placement::Query { name: "key".into() };
    house.gate.inject("key", &base, bearer(), true, VALUE);
    house.gate.inject("key", &base, query, true, VALUE);
    let host = &base["http://".len()..];
    let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let answer = client::raw(house.door, &head).await;
    assert!(answer.contains("nothing "), "{answer}");
}

#[tokio::test]
async fn a_placeholder_is_of_use_where_it_belongs_and_an_alarm_elsewhere() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    let host = &base["http://".len()..];
    house.gate.inject("key", &base, bearer(), false, VALUE);
    let ask = |line: &str| {
        let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n{line}\r\n");
        let door = house.door;
        async move { client::raw(door, &head).await }
    };
    assert!(ask("").await.contains("x-arrived: false"));
    let with = ask(&format!("authorization: Bearer {PLACEHOLDER}\r\n")).await;
    assert!(with.contains("x-arrived: true"), "{with}");
    assert!(house.gate.refusals().is_empty());
    // Another credential's, for another host.
    for (url, line) in [
        (
            format!("{base}/"),
            format!("authorization: Bearer {OTHER_PLACEHOLDER}"),
        ),
        (format!("{base}/?q={OTHER_PLACEHOLDER}"), "x: y".into()),
        (
            format!("http://evil.test:{}/", at.port()),
            format!("x-any: {PLACEHOLDER}"),
        ),
        (
            format!("http://evil.test:{}/{PLACEHOLDER}", at.port()),
            "x: y".into(),
        ),
    ] {
        let (_, rest) = url.split_once("://").unwrap();
        let host = rest.split('/').next().unwrap();
        let head = format!("GET {url} HTTP/1.1\r\nhost: {host}\r\n{line}\r\n\r\n");
        let answer = client::raw(house.door, &head).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(
            answer.contains("valetkey-code: placeholder_misused"),
            "{answer}"
        );
    }
    assert_eq!(house.gate.refusals(), [Code::PlaceholderMisused; 4]);
}

#[tokio::test]
async fn nothing_is_lent_to_a_request_that_is_refused() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    let host = &base["http://".len()..];
    house.gate.inject("key", &base, bearer(), true, VALUE);
    let head = format!("GET {base}/{OTHER_PLACEHOLDER} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let answer = client::raw(house.door, &head).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(house.gate.lent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_placeholder_in_the_wrong_place_is_an_alarm() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    let host = &base["http://".len()..];
    house.gate.inject("key", &base, bearer(), false, VALUE);
    let head = format!("GET {base}/?q={PLACEHOLDER} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let answer = client::raw(house.door, &head).await;
    assert!(
        answer.contains("valetkey-code: placeholder_misused"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_cannot_have_the_value_dropped_or_joined() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    let host = &base["http://".len()..];
    house.gate.inject("key", &base, bearer(), true, VALUE);
    for line in [
        "connection: authorization",
        "authorization: Bearer mine",
        "trailer: authorization",
    ] {
        let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n{line}\r\n\r\n");
        let answer = client::raw(house.door, &head).await;
        assert!(answer.contains("x-arrived: true"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn a_value_goes_into_a_body() {
    let house = House::new().await;
    let at = origin::plain(|request| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let fine = &body[..] == format!("{{\"a\":1,\"key\":\"{VALUE}\"}}").as_bytes();
        origin::text(fine.to_string())
    })
    .await;
    let base = format!("http://api.test:{}", at.port());
    let place = Placement::Body {
        pointer: "/key".into(),
    };
    house.gate.inject("key", &base, place, false, VALUE);
    let stream = TcpStream::connect(house.door).await.unwrap();
    let mut sender = client::http1(stream).await;
    let mut ask = async |body: String| {
        let request = Request::post(format!("{base}/"))
            .header("host", &base["http://".len()..])
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        sender.ready().await.unwrap();
        client::text(sender.send_request(request).await.unwrap()).await
    };
    let with = format!("{{\"a\":1,\"key\":\"{PLACEHOLDER}\"}}");
    assert_eq!(ask(with).await, "true");
    assert_eq!(ask("{\"a\":1,\"key\":\"mine\"}".into()).await, "false");
    assert_eq!(*house.gate.lent.lock().unwrap(), ["key write"]);
}

/// A host may tell one agent what it heard from another.
#[tokio::test]
async fn a_value_does_not_come_back_to_another_session() {
    let house = House::new().await;
    let heard = Arc::new(std::sync::Mutex::new(String::new()));
    let at = origin::plain(move |request: Request<Incoming>| {
        let mut heard = heard.lock().unwrap();
        if let Some(came) = request.headers().get("authorization") {
            came.to_str().unwrap().clone_into(&mut heard);
        }
        let told = origin::text(heard.clone());
        async move { told }
    })
    .await;
    let host = format!("api.test:{}", at.port());
    let base = format!("http://{host}");
    house.gate.inject("key", &base, bearer(), false, VALUE);
    let ask = |carried: String| format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n{carried}\r\n");
    let carried = format!("authorization: Bearer {PLACEHOLDER}\r\n");
    client::raw(house.door, &ask(carried)).await;
    let other = valetkey_core::SessionId::parse("0198c0de000070008000000000000010").unwrap();
    let placeholders = valetkey_inject::Placeholders::new([]).unwrap();
    house.egress.prepare(other, placeholders, None).unwrap();
    let (door, _launcher) = crate::house::enter(&house.folder, &other.to_string()).await;
    let told = client::raw(door, &ask(String::new())).await;
    assert!(told.ends_with("Bearer xxxxxxxxxxxxxxxxxxx"), "{told}");
}

/// What a host tells in one answer may come from another request, which carries the value.
#[tokio::test]
async fn a_value_that_is_lent_later_is_masked_in_an_answer_that_began_before() {
    let house = House::new().await;
    let (tells, told) = tokio::sync::mpsc::unbounded_channel::<String>();
    let told = Arc::new(std::sync::Mutex::new(Some(told)));
    let at = origin::plain(move |request: Request<Incoming>| {
        let answer = if request.uri().path() == "/listen" {
            let told = told.lock().unwrap().take().unwrap();
            let pieces = futures_util::stream::unfold(told, async |mut told| {
                let line = told.recv().await?;
                Some((Ok::<_, Infallible>(Frame::data(Bytes::from(line))), told))
            });
            Response::new(StreamBody::new(pieces).boxed_unsync())
        } else {
            let came = request.headers()["authorization"].to_str().unwrap();
            tells.send(format!("{came}\n")).unwrap();
            origin::text("")
        };
        async move { answer }
    })
    .await;
    let host = format!("api.test:{}", at.port());
    let base = format!("http://{host}");
    house.gate.inject("key", &base, bearer(), false, VALUE);
    let mut listens = client::http1(TcpStream::connect(house.door).await.unwrap()).await;
    let listen = client::get(&format!("{base}/listen"), &host);
    let mut heard = listens.send_request(listen).await.unwrap().into_body();
    assert!(house.gate.lent.lock().unwrap().is_empty());
    let carried = format!(
        "GET {base}/ HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {PLACEHOLDER}\r\n\r\n"
    );
    client::raw(house.door, &carried).await;
    let line = heard.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(line, "Bearer xxxxxxxxxxxxxxxxxxx\n");
}

#[tokio::test]
async fn every_credential_that_went_with_a_request_is_counted() {
    let house = House::new().await;
    let at = origin::plain(chatty).await;
    let base = format!("http://api.test:{}", at.port());
    let query = Placement::Query { name: "key".into() };
    house.gate.inject("key", &base, bearer(), true, VALUE);
    house
        .gate
        .inject("other", &base, query, true, "another-value-8888");
    let host = &base["http://".len()..];
    let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
    client::raw(house.door, &head).await;
    let mut used = house.gate.used.subscribe();
    let counted = |used: &Vec<Used>, name: &str| {
        let of = |one: &&Used| {
            one.credential
                .as_ref()
                .is_some_and(|one| one.as_str() == name)
        };
        used.iter().filter(of).map(|one| one.requests).sum::<u64>()
    };
    let all = |used: &Vec<Used>| counted(used, "key") == 1 && counted(used, "other") == 1;
    used.wait_for(all).await.unwrap();
}

/// A host may still know what an earlier run of the broker sent it.
#[tokio::test]
async fn a_kept_value_is_masked_before_it_was_ever_lent() {
    let house = House::new().await;
    let at = origin::plain(async |_| origin::text(format!("I know {VALUE} from before"))).await;
    let base = format!("http://api.test:{}", at.port());
    house.gate.inject("key", &base, bearer(), false, VALUE);
    house.gate.keep("key");
    let host = &base["http://".len()..];
    let head = format!("GET {base}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let told = client::raw(house.door, &head).await;
    assert!(
        told.ends_with("I know xxxxxxxxxxxxxxxxxxx from before"),
        "{told}"
    );
    assert!(house.gate.lent.lock().unwrap().is_empty());
}
