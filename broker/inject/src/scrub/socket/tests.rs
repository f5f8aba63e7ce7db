//! Frames and messages, however they are cut.

use hyper::body::Bytes;
use proptest::prelude::*;

use super::{ScrubbedSocket, Unframed, WAITING_LIMIT};
use crate::scrub::{Live, testing::needles};

const SECRET: &str = "sk-live-canary-7777";
const MASKED: &str = "xxxxxxxxxxxxxxxxxxx";

fn socket() -> ScrubbedSocket {
    ScrubbedSocket::new(Live::from(&needles(&[SECRET], &[])))
}

/// A frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short @ ..126) => out.push(short),
        _ => {
            out.push(126);
            out.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(payload);
    out
}

fn feed(socket: &mut ScrubbedSocket, bytes: &[u8]) -> Result<Vec<u8>, Unframed> {
    let mut out = Vec::new();
    socket.feed(Bytes::copy_from_slice(bytes), &mut out)?;
    Ok(out)
}

/// What comes out of a stream in pieces.
fn scrubbed(stream: &[u8], piece: usize) -> Result<Vec<u8>, Unframed> {
    let (mut socket, mut out) = (socket(), Vec::new());
    for piece in stream.chunks(piece) {
        out.extend(feed(&mut socket, piece)?);
    }
    socket.finish(&mut out);
    Ok(out)
}

#[test]
fn nothing_waits_past_the_end_of_its_message() {
    let mut socket = socket();
    for payload in ["sk-live-c", "", "sk-live-canary-777"] {
        let sent = frame(0x81, payload.as_bytes());
        assert_eq!(feed(&mut socket, &sent).as_ref(), Ok(&sent));
    }
}

#[test]
fn a_value_in_fragments_is_masked_whatever_stands_between_them() {
    let (a, rest) = (b"one ", b"sk-l");
    let stream = |value: &str, ping: &[u8]| {
        let (b, c) = value.as_bytes().split_at(9);
        let (start, b) = b.split_at(4);
        [
            frame(0x01, &[a, start].concat()),
            frame(0x89, ping),
            frame(0x00, b),
            frame(0x00, b""),
            frame(0x8a, b""),
            frame(0x80, &[c, b" two ", rest].concat()),
            frame(0x82, b"three"),
        ]
        .concat()
    };
    let expected = stream(MASKED, MASKED.as_bytes());
    let sent = stream(SECRET, SECRET.as_bytes());
    for piece in [1, 2, 5, sent.len()] {
        assert_eq!(scrubbed(&sent, piece).as_ref(), Ok(&expected));
    }
}

#[test]
fn what_is_no_websocket_ends() {
    let half = frame(0x01, b"sk-live");
    for stream in [
        vec![0x81, 0x80],                                             // a mask
        vec![0xc1, 0],                                                // an extension's bit
        vec![0x83, 0],                                                // an opcode that is none
        vec![0x09, 0],                              // a control frame in fragments
        vec![0x89, 126, 0, 126],                    // a long one
        vec![0x81, 126, 0, 125],                    // a length in more bytes than it needs
        vec![0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], // and one of a negative number
        frame(0x80, b"-canary-7777"),               // nothing to continue
        [half.clone(), frame(0x81, b"-canary-7777")].concat(), // a message within another
        [frame(0x81, b"sk-live"), b"-canary-7777".to_vec()].concat(), // text where a head belongs
    ] {
        assert_eq!(scrubbed(&stream, 1), Err(Unframed), "{stream:?}");
        assert_eq!(scrubbed(&stream, stream.len()), Err(Unframed));
    }
}

#[test]
fn what_waits_for_the_end_of_a_message_is_bounded() {
    let mut socket = socket();
    feed(&mut socket, &frame(0x01, b"sk-live")).unwrap();
    let empty = frame(0x00, b"");
    for _ in 0..WAITING_LIMIT / empty.len() {
        assert_eq!(feed(&mut socket, &empty), Ok(Vec::new()));
    }
    assert_eq!(feed(&mut socket, &empty), Err(Unframed));
}

#[test]
fn a_frame_that_is_cut_off_is_masked_too() {
    for first in [0x81, 0x89] {
        let stream = |value: &str| [vec![first, 100], value.as_bytes().to_vec()].concat();
        assert_eq!(scrubbed(&stream(SECRET), 7), Ok(stream(MASKED)));
    }
}

proptest! {
    /// It does not matter where a message is cut, and its length stays.
    #[test]
    fn any_fragmentation_gives_the_same(
        before in "[a-z ]{0,300}",
        after in "[a-z ]{0,300}",
        mut cuts in prop::collection::vec((0_usize..700, any::<bool>()), 0..6),
        piece in 1_usize..400,
    ) {
        let text = |value: &str| format!("{before}{value}{after}").into_bytes();
        cuts.sort_unstable();
        let stream = |text: &[u8]| {
            let (mut out, mut at, mut first) = (Vec::new(), 0, 0x01);
            for (cut, ping) in &cuts {
                let cut = (*cut).clamp(at, text.len());
                out.extend(frame(first, &text[at..cut]));
                (at, first) = (cut, 0x00);
                if *ping {
                    out.extend(frame(0x89, b"ping"));
                }
            }
            out.extend(frame(first | 0x80, &text[at..]));
            out
        };
        prop_assert_eq!(scrubbed(&stream(&text(SECRET)), piece), Ok(stream(&text(MASKED))));
    }

    /// Hostile bytes end in an error or in as many bytes, in no panic.
    #[test]
    fn hostile_bytes_are_survived(stream: Vec<u8>, piece in 1_usize..50) {
        if let Ok(out) = scrubbed(&stream, piece) {
            prop_assert_eq!(out.len(), stream.len());
        }
    }
}
