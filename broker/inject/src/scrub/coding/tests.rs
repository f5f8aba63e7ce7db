//! Compressed echoes.

use std::{convert::Infallible, sync::Arc};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder};
use futures_util::{FutureExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Body as _, Bytes, Frame};
use tokio::io::AsyncWriteExt as _;

use super::super::testing::needles;
use super::{Unsearchable, ask_plain, body};
use crate::Needles;

const SECRET: &str = "sk-live_abcdef0123456789";

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("it waits for nothing")
}

macro_rules! encode {
    ($encoder:ident, $text:expr) => {
        now(async {
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all($text.as_bytes()).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        })
    };
}

fn pieces(
    all: &[u8],
    size: usize,
) -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + use<>> {
    let pieces: Vec<_> = all
        .chunks(size)
        .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    StreamBody::new(stream::iter(pieces))
}

fn searched(
    needles: &Arc<Needles>,
    coding: &str,
    encoded: &[u8],
    size: usize,
) -> Result<Bytes, String> {
    let length = encoded.len().to_string();
    let mut headers = headers(&[
        ("content-encoding", coding),
        ("content-length", &length),
        ("content-type", "text/plain"),
    ]);
    let body = body(needles, &mut headers, pieces(encoded, size)).map_err(|e| e.to_string())?;
    assert_eq!(headers.len(), 1, "{headers:?}");
    assert_eq!(body.size_hint().exact(), None);
    let whole = now(body.collect()).map_err(|e| e.to_string())?;
    Ok(whole.to_bytes())
}

#[test]
fn a_compressed_echo_is_found_wherever_it_is_cut() {
    let needles = needles(&[SECRET], &[]);
    let text = format!("{{\"headers\":\"{SECRET}\"}}{}", " ".repeat(40_000));
    let masked = text.replace(SECRET, &"x".repeat(SECRET.len()));
    let gzip = encode!(GzipEncoder, text);
    for (coding, encoded) in [
        ("gzip", gzip.clone()),
        ("X-GZip", gzip.clone()),
        ("identity, gzip", gzip.clone()),
        ("deflate", encode!(ZlibEncoder, text)),
        ("br", encode!(BrotliEncoder, text)),
    ] {
        for size in [1, 2, 7, 64, encoded.len()] {
            let found = searched(&needles, coding, &encoded, size);
            assert_eq!(
                found.as_deref(),
                Ok(masked.as_bytes()),
                "{coding} by {size}"
            );
        }
        let cut = &encoded[..encoded.len() - 1];
        assert!(
            searched(&needles, coding, cut, 64).is_err(),
            "{coding} cut short"
        );
    }
    // A second member of gzip is a part of the body, too.
    let twice = [encode!(GzipEncoder, "a"), gzip].concat();
    let found = searched(&needles, "gzip", &twice, 64).unwrap();
    assert_eq!(found, format!("a{masked}"));
    assert!(searched(&needles, "gzip", b"this is no gzip", 64).is_err());
}

/// The decoder itself takes both, with a window of 2^30 bytes for the second.
#[test]
fn a_window_that_no_rfc_knows_is_not_made() {
    let needles = needles(&[SECRET], &[]);
    // Each: the window's size, a block as it is of seven bytes, and an empty last one.
    let (usual, large) = (
        b"\x0f\x03\x80a value\x03",
        b"\x11\x1e\x0c\x00\x02a value\x03",
    );
    for size in [1, 64] {
        let found = searched(&needles, "br", usual, size);
        assert_eq!(found.as_deref(), Ok(&b"a value"[..]));
        let found = searched(&needles, "br", large, size);
        assert_eq!(found.unwrap_err(), Unsearchable.to_string());
    }
}

#[test]
fn an_event_is_decoded_when_it_comes() {
    let needles = needles(&[SECRET], &[]);
    let first = now(async {
        let mut encoder = GzipEncoder::new(Vec::new());
        encoder
            .write_all(format!("data: {SECRET}\n\n").as_bytes())
            .await
            .unwrap();
        encoder.flush().await.unwrap();
        encoder.get_ref().clone()
    });
    let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(first)));
    let events = stream::iter([frame]);
    let waiting = futures_util::StreamExt::chain(events, stream::pending());
    let mut headers = headers(&[("content-encoding", "gzip")]);
    let mut body = body(&needles, &mut headers, StreamBody::new(waiting)).unwrap();
    let event = now(body.frame()).unwrap().unwrap().into_data().unwrap();
    assert_eq!(event, format!("data: {}\n\n", "x".repeat(SECRET.len())));
    assert!(body.frame().now_or_never().is_none());
}

#[test]
fn what_cannot_be_searched_does_not_pass() {
    let needles = needles(&[SECRET], &[]);
    for all in [
        &[("content-encoding", "zstd")][..],
        &[("content-encoding", "compress")],
        &[("content-encoding", "; br")],
        &[("content-encoding", "identity; br")],
        &[("content-encoding", "br;q=1")],
        &[("content-encoding", "gzip, br")],
        &[("content-encoding", "gzip"), ("content-encoding", "gzip")],
        &[
            ("content-encoding", "gzip"),
            ("content-range", "bytes 0-9/20"),
        ],
        &[("transfer-encoding", "gzip, chunked")],
        &[("grpc-encoding", "gzip")],
        &[("connect-content-encoding", "br")],
        &[("im", "gzip")],
    ] {
        let mut headers = headers(all);
        let full = Full::new(Bytes::from_static(b"anything"));
        assert_eq!(
            body(&needles, &mut headers, full).err(),
            Some(Unsearchable),
            "{all:?}"
        );
        // Without a value to look for too: there may be one before it ends.
        let none = Arc::new(Needles::new([]).unwrap());
        let full = Full::new(Bytes::from_static(b"anything"));
        assert!(body(&none, &mut headers, full).is_err(), "{all:?}");
    }
}

#[test]
fn a_plain_body_keeps_its_headers() {
    let needles = needles(&[SECRET], &[]);
    let all = [
        ("content-length", "26"),
        ("content-encoding", "identity"),
        ("content-range", "bytes 0-25/26"),
        ("transfer-encoding", "chunked"),
        ("grpc-encoding", "identity"),
    ];
    let mut after = headers(&all);
    let full = Full::new(Bytes::from(format!("a {SECRET}")));
    let body = body(&needles, &mut after, full).unwrap();
    assert_eq!(after, headers(&all));
    assert_eq!(body.size_hint().exact(), Some(26));
    let found = now(body.collect()).unwrap().to_bytes();
    assert_eq!(found, format!("a {}", "x".repeat(SECRET.len())));
}

#[test]
fn the_answer_to_head_keeps_its_headers() {
    let needles = needles(&[SECRET], &[]);
    let all = [("content-length", "99"), ("content-encoding", "zstd")];
    let mut after = headers(&all);
    let body = body(&needles, &mut after, Empty::<Bytes>::new()).unwrap();
    assert_eq!(after, headers(&all));
    assert!(now(body.collect()).unwrap().to_bytes().is_empty());
}

#[test]
fn only_what_can_be_searched_is_asked_for() {
    let mut asked = headers(&[
        ("accept-encoding", "gzip, zstd"),
        ("accept-encoding", "br"),
        ("te", "gzip;q=0.5, Trailers"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("grpc-accept-encoding", "gzip"),
        ("a-im", "gzip"),
        ("accept-charset", "utf-7, utf-8;q=0.1"),
        ("accept", "text/plain;charset=ibm037"),
        ("range", "bytes=0-1"),
    ]);
    ask_plain(&mut asked);
    let left = headers(&[
        ("accept-encoding", "identity"),
        ("accept", "*/*"),
        ("te", "trailers"),
        ("range", "bytes=0-1"),
    ]);
    assert_eq!(asked, left);
    let mut asked = headers(&[("te", "gzip")]);
    ask_plain(&mut asked);
    assert_eq!(asked, headers(&[("accept-encoding", "identity")]));
}

#[test]
fn a_charset_that_ascii_is_not_part_of_is_refused() {
    let tried = |kind: &str| {
        let mut headers = headers(&[("content-type", kind)]);
        let inner = Full::new(Bytes::from_static(b"a"));
        body(&needles(&[SECRET], &[]), &mut headers, inner).is_ok()
    };
    for kind in [
        "text/plain",
        "application/json; charset=UTF-8",
        "text/html;charset=\"iso-8859-1\"",
        "text/html; charset=windows-1252",
    ] {
        assert!(tried(kind), "{kind}");
    }
    for kind in [
        "text/plain; charset=utf-7",
        "text/plain;Charset=\"IBM037\"",
        "text/plain; charset=utf-32",
        "text/plain; charset=utf-16",
        "text/plain; x=1; charset = cp500",
    ] {
        assert!(!tried(kind), "{kind}");
    }
}

/// Members without a byte in them are decoded as any others are, and nobody else is served meanwhile.
#[tokio::test]
async fn what_decodes_to_nothing_takes_its_turns_too() {
    let nothing = encode!(GzipEncoder, "");
    let many = nothing.repeat((1 << 20) / nothing.len());
    let mut headers = headers(&[("content-encoding", "gzip")]);
    let body = body(&needles(&[SECRET], &[]), &mut headers, Full::from(many));
    let mut body = body.map_err(|_| ()).unwrap();
    assert!(futures_util::poll!(body.frame()).is_pending());
    assert!(body.frame().await.is_none());
}
