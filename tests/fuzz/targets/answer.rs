//! What an origin answers to a request that carries a value: in no form does that reach the client.
#![no_main]

use std::{cell::RefCell, rc::Rc};

use async_compression::{
    Level,
    tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder},
};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use valetkey_egress::fuzzing::Where;
use valetkey_fuzz::{
    forms::{self, PLACEHOLDER},
    memory,
    origin::Script,
    strict::{self, Framing},
    world::Bench,
};

/// Most that one connection may hold, in bytes: what is read ahead of an answer, and a window of brotli.
const HELD: usize = 48 << 20;

type Says = Rc<RefCell<(Vec<u8>, usize, bool)>>;

thread_local! {
    static SAYS: Says = Says::default();
    static BENCH: Bench = {
        let says = SAYS.with(Rc::clone);
        Bench::with(move |_, _| {
            let (says, piece, ends) = says.borrow().clone();
            Box::new(Script::new(says, piece, ends))
        })
    };
}

/// A request, how the value gets into it, and of which method it is.
fn request(which: u8) -> (u8, &'static str, String) {
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let with = |method: &str, extra: &str, body: &str| {
        format!(
            "{method} http://api.test/x HTTP/1.1\r\nHost: api.test\r\nTE: trailers\r\n{extra}\r\n{body}"
        )
    };
    let basic = "Authorization: Basic Ym90OnZrLXBsYWNlaG9sZGVyLTAxMjM0NTY3ODk=\r\n";
    match which % 8 {
        0 => (1, "GET", with("GET", "", "")),
        1 => (1, "HEAD", with("HEAD", "", "")),
        2 => (1, "POST", with("POST", "Content-Length: 2\r\n", "{}")),
        3 => (
            1,
            "GET",
            "GET /api/x HTTP/1.1\r\nHost: localhost:3128\r\n\r\n".into(),
        ),
        4 => (1, "GET", with("GET", upgrade, "")),
        5 => (3, "GET", with("GET", basic, "")),
        // Lent for the first, and still not to be seen after the second.
        6 => {
            let first = with(
                "GET",
                &format!("Authorization: Bearer {PLACEHOLDER}\r\n"),
                "",
            );
            (2, "GET", first + &with("GET", "", ""))
        }
        _ => {
            let target = format!("http://api.test/x?key={PLACEHOLDER}");
            (
                4,
                "GET",
                format!("GET {target} HTTP/1.1\r\nHost: api.test\r\n\r\n"),
            )
        }
    }
}

async fn compressed(body: &[u8], coding: u8) -> Vec<u8> {
    async fn all<W: AsyncWrite + Unpin>(mut to: W, body: &[u8]) -> W {
        to.write_all(body).await.unwrap();
        to.shutdown().await.unwrap();
        to
    }
    match coding {
        1 => all(GzipEncoder::new(Vec::new()), body).await.into_inner(),
        2 => {
            let to = BrotliEncoder::with_quality(Vec::new(), Level::Fastest);
            all(to, body).await.into_inner()
        }
        _ => all(ZlibEncoder::new(Vec::new()), body).await.into_inner(),
    }
}

/// The answer, and its body as it was compressed.
fn answer(bench: &Bench, shape: u8, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (0..0x80, Some(end)) = (shape, end) else {
        return (forms::with(bytes), Vec::new());
    };
    let mut out = forms::with(&bytes[..end + 2]);
    let mut body = forms::with(&bytes[end + 4..]);
    let coding = shape & 3;
    // In which layer it is compressed.
    let in_transfer = shape & 0x04 != 0;
    let chunked = in_transfer || shape & 0x08 != 0;
    if coding != 0 {
        body = bench.run(compressed(&body, coding));
        let name = ["", "gzip", "br", "deflate"][usize::from(coding)];
        let line = if in_transfer {
            format!("Transfer-Encoding: {name}, chunked\r\n")
        } else {
            format!("Content-Encoding: {name}\r\n")
        };
        out.extend_from_slice(line.as_bytes());
    }
    if chunked {
        if coding == 0 || !in_transfer {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        out.extend_from_slice(b"\r\n");
        for piece in body.chunks([1, 5, 64, 4096][usize::from(shape >> 4 & 3)]) {
            out.extend_from_slice(format!("{:X}\r\n", piece.len()).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\nX-Last: ");
        out.extend_from_slice(forms::VALUE.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
    } else {
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        out.extend_from_slice(&body);
    }
    (out, if coding == 0 { Vec::new() } else { body })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [which, manner, shape, bytes @ ..] = input else {
        return;
    };
    BENCH.with(|bench| {
        let (says, compressed) = answer(bench, *shape, bytes);
        let piece = [usize::MAX, 1, 7, 300][usize::from(manner >> 6)];
        SAYS.with(|told| *told.borrow_mut() = (says, piece, shape & 0x40 != 0));
        let (way, method, request) = request(*which);
        let before = memory::begin();
        let (_, heard, _) = bench.serve(request.as_bytes(), way, *manner & 0x13, Where::Door);
        assert!(
            memory::most(before) < HELD,
            "{} bytes were held",
            memory::most(before)
        );
        hears(&heard, method, &compressed);
    });
});

/// Reads what the client was answered, strictly, and looks for the value in all of it.
fn hears(heard: &[u8], method: &str, compressed: &[u8]) {
    let mut rest = heard;
    while !rest.is_empty() {
        let head = match strict::head(rest, true) {
            Ok(Some(head)) => head,
            Ok(None) => return forms::absent(rest, "a head"),
            Err(why) => panic!("{why}: {}", rest.escape_ascii()),
        };
        let (said, after) = rest.split_at(head.length);
        forms::absent(said, "a head");
        let status = head.line[1].as_str();
        if status == "101" {
            return forms::absent_in_messages(after);
        }
        if method == "HEAD" || status.starts_with('1') || matches!(status, "204" | "304") {
            rest = after;
            continue;
        }
        let framing = match head.framing() {
            Ok(Framing::Nothing) => Framing::Length(after.len()),
            Ok(framing) => framing,
            Err(why) => panic!("{why}: {}", said.escape_ascii()),
        };
        let body = strict::body(after, framing)
            .unwrap_or_else(|why| panic!("{why}: {}", heard.escape_ascii()));
        forms::absent(&body.data, "a body");
        for (name, value) in &body.trailers {
            forms::absent(name.as_bytes(), "a trailer's name");
            forms::absent(value, "a trailer");
        }
        // Masked as it is, what is compressed would still begin like it, past the ten bytes of gzip's head (RFC 1952
        // section 2.3), and be as long: plain text can be made to begin like what comes of it.
        let is_as_long = body.whole.is_none() || body.data.len() == compressed.len();
        assert!(
            compressed.len() < 16 || !is_as_long || !body.data.starts_with(&compressed[..12]),
            "a body was not searched: {}",
            heard.escape_ascii()
        );
        let codings = head.all("content-encoding");
        let codings = codings.flat_map(|value| value.split(|b| *b == b','));
        let mut codings = codings
            .map(<[u8]>::trim_ascii)
            .filter(|one| !one.is_empty());
        assert!(
            body.data.is_empty() || codings.all(|one| one.eq_ignore_ascii_case(b"identity")),
            "a body that is still encoded: {}",
            heard.escape_ascii()
        );
        let Some(length) = body.whole else { return };
        rest = &after[length..];
    }
}
