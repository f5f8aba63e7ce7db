//! The first message of a WebSocket, into which a value goes.
#![no_main]

use valetkey_fuzz::forms::{PLACEHOLDER, VALUE};
use valetkey_inject::{FirstMessage, PlaceError, State, into_json};
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

fn feed(
    pieces: &mut dyn Iterator<Item = &[u8]>,
    always: bool,
) -> (Result<State, PlaceError>, Vec<u8>) {
    let value = IssuedToken::new(Zeroizing::new(VALUE.into()));
    let mut message = FirstMessage::new("/key", Some(PLACEHOLDER), always);
    let mut out = Vec::new();
    let mut state = State::More;
    for piece in pieces {
        match message.feed(piece, &value, &mut out) {
            Ok(next) => state = next,
            Err(error) => return (Err(error), out),
        }
    }
    (Ok(state), out)
}

/// A frame: its first byte, mask, payload without it, and how long it is.
fn frame(bytes: &[u8]) -> Option<(u8, [u8; 4], Vec<u8>, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert!(second & 0x80 != 0, "what is not masked does not pass");
    let (length, at) = match second & 0x7f {
        126 => (
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let length = usize::try_from(length).ok()?;
    let mask: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    let payload = bytes.get(at + 4..)?.get(..length)?;
    let plain = payload
        .iter()
        .enumerate()
        .map(|(i, b)| b ^ mask[i % 4])
        .collect();
    Some((first, mask, plain, at + 4 + length))
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [flags, bytes @ ..] = input else { return };
    let always = flags & 1 != 0;
    let piece = usize::from(flags >> 1).max(1);
    let (whole, out) = feed(&mut [bytes].into_iter(), always);
    let (cut, out_of_cut) = feed(&mut bytes.chunks(piece), always);
    assert_eq!(whole, cut, "it matters where a stream is cut");
    let Ok(state) = whole else { return };
    assert_eq!(out, out_of_cut, "it matters where a stream is cut");
    if state == State::More {
        // What is out are frames of control.
        assert!(bytes.len() >= out.len());
        return;
    }
    // Reads the message that was said, and the one that went out in its place.
    let (mut rest, mut message, mut opcode, mut before) = (bytes, Vec::new(), 0, Vec::new());
    loop {
        let (first, _, payload, length) = frame(rest).expect("a message that is through is whole");
        let (raw, after) = rest.split_at(length);
        rest = after;
        if first & 8 != 0 {
            before.extend_from_slice(raw);
            continue;
        }
        opcode |= first & 0x0f;
        message.extend(payload);
        if first & 0x80 != 0 {
            break;
        }
    }
    let out = out
        .strip_prefix(&before[..])
        .expect("control frames pass as they are");
    let (first, _, payload, length) = frame(out).expect("what goes out is a frame");
    assert_eq!(first, 0x80 | opcode);
    assert_eq!(&out[length..], rest, "what follows passes as it is");
    let value = IssuedToken::new(Zeroizing::new(VALUE.into()));
    let placed = if opcode == 1 {
        into_json(&message, "/key", &value, Some(PLACEHOLDER), always).expect("it was placed")
    } else {
        None
    };
    assert_eq!(payload, placed.as_deref().unwrap_or(&message).as_slice());
    assert!(placed.is_some() || !always);
});
