//! The first message, however it is cut.

use proptest::prelude::*;
use valetkey_secret::IssuedToken;
use zeroize::Zeroizing;

use super::{
    FirstMessage, MESSAGE_LIMIT, State,
    frame::{Frame, Opcode, masked, write},
};
use crate::PlaceError;

const P: &str = "ghp_QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC";

fn token(value: &str) -> IssuedToken {
    IssuedToken::new(Zeroizing::new(value.as_bytes().to_vec()))
}

fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    write(Opcode::Text, mask, payload, &mut out);
    out[0] = first;
    out
}

/// What comes out, and whether it is done, of a stream that comes in pieces.
fn run(
    stream: &[u8],
    sizes: impl Iterator<Item = usize>,
    value: &str,
    always: bool,
) -> Result<(Vec<u8>, State), PlaceError> {
    let mut first = FirstMessage::new("/key", Some(P), always);
    let (mut out, mut state, mut rest) = (Vec::new(), State::More, stream);
    for size in sizes {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        state = first.feed(piece, &token(value), &mut out)?;
        if rest.is_empty() {
            break;
        }
    }
    Ok((out, state))
}

fn whole(stream: &[u8], always: bool) -> Result<(Vec<u8>, State), PlaceError> {
    run(stream, std::iter::once(stream.len()), "v4lue", always)
}

#[test]
fn the_first_message_is_rewritten_and_nothing_else() {
    let text = format!("{{\"op\":2,\"key\":\"{P}\"}}");
    let mask = [1, 2, 3, 4];
    let ping = frame(0x89, b"hello", [9; 4]);
    let stream = [
        ping.clone(),
        frame(0x81, text.as_bytes(), mask),
        frame(0x81, text.as_bytes(), mask),
        b"anything".to_vec(),
    ]
    .concat();
    let expected = [
        ping,
        frame(0x81, b"{\"op\":2,\"key\":\"v4lue\"}", mask),
        frame(0x81, text.as_bytes(), mask),
        b"anything".to_vec(),
    ]
    .concat();
    assert_eq!(whole(&stream, false), Ok((expected.clone(), State::Done)));
    let bytewise = run(&stream, std::iter::repeat(1), "v4lue", false);
    assert_eq!(bytewise, Ok((expected, State::Done)));
}

#[test]
fn what_does_not_ask_passes() {
    for stream in [
        frame(0x81, b"hello", [1; 4]),
        frame(0x82, P.as_bytes(), [1; 4]),
        frame(0x81, b"", [1; 4]),
        frame(0x81, format!("{{\"x\":\"{P}\"}}").as_bytes(), [1; 4]),
    ] {
        assert_eq!(whole(&stream, false), Ok((stream, State::Done)));
    }
    let close = frame(0x88, b"\x03\xe8", [1; 4]);
    assert_eq!(whole(&close, true), Ok((close, State::More)));
}

#[test]
fn a_stream_against_the_rules_is_cut() {
    let unmasked = vec![0x81, 2, b'{', b'}'];
    let mut padded = vec![0x81, 0x80 | 126, 0, 2, 0, 0, 0, 0];
    padded.extend(b"{}");
    let huge = [vec![0x81, 0xff], u64::MAX.to_be_bytes().to_vec()].concat();
    let fragment = frame(0x01, b"{", [1; 4]);
    let many = |n: usize| {
        let mut all = frame(0x01, &vec![b' '; MESSAGE_LIMIT - n], [1; 4]);
        all.extend(frame(0x80, b"{}", [2; 4]));
        all
    };
    for (stream, wrong) in [
        (unmasked, PlaceError::BadFrame),
        (padded, PlaceError::BadFrame),
        (huge, PlaceError::MessageTooLarge),
        (
            vec![0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 1, 0],
            PlaceError::BadFrame,
        ),
        (vec![0xc1, 0x80], PlaceError::BadFrame),
        (vec![0x83, 0x80], PlaceError::BadFrame),
        (vec![0x09, 0x80], PlaceError::BadFrame),
        (frame(0x89, &[0; 126], [1; 4]), PlaceError::BadFrame),
        (frame(0x80, b"{}", [1; 4]), PlaceError::BadFrame),
        (
            [fragment.clone(), frame(0x81, b"}", [1; 4])].concat(),
            PlaceError::BadFrame,
        ),
        (frame(0x82, b"{}", [1; 4]), PlaceError::NotTextMessage),
        (frame(0x81, b"{", [1; 4]), PlaceError::NotJson),
        (many(1), PlaceError::MessageTooLarge),
    ] {
        assert_eq!(whole(&stream, true), Err(wrong));
    }
    assert!(whole(&many(2), true).is_ok());
}

proptest! {
    /// Whatever the fragments, the masks, the control frames between them and the pieces that it comes
    /// in: one message comes out, and the rest as it was.
    #[test]
    fn any_fragmentation_gives_the_same(
        mut cuts in prop::collection::vec((0_usize..400, any::<[u8; 4]>(), any::<bool>()), 0..5),
        last: [u8; 4],
        padding in 0_usize..300,
        sizes in prop::collection::vec(1_usize..60, 1..20),
        rest: Vec<u8>,
        value in "[ -~]{1,200}",
    ) {
        let text = format!("{{\"pad\":\"{}\",\"key\":\"{P}\"}}", "p".repeat(padding));
        cuts.sort();
        let (mut stream, mut control, mut at, mut first) = (Vec::new(), Vec::new(), 0, 1);
        let mut mask = None;
        for (cut, one, ping) in cuts {
            let cut = cut.clamp(at, text.len());
            stream.extend(frame(first, &text.as_bytes()[at..cut], one));
            mask.get_or_insert(one);
            (at, first) = (cut, 0);
            if ping {
                let ping = frame(0x89, b"ping", one);
                stream.extend(&ping);
                control.extend(ping);
            }
        }
        stream.extend(frame(first | 0x80, &text.as_bytes()[at..], last));
        stream.extend(&rest);
        let (out, state) = run(&stream, sizes.into_iter().cycle(), &value, false).unwrap();
        prop_assert_eq!(state, State::Done);
        let out = out.strip_prefix(control.as_slice()).unwrap();
        let message = Frame::read(out).unwrap().unwrap();
        prop_assert!(message.last && message.opcode == Opcode::Text);
        prop_assert_eq!(message.mask, mask.unwrap_or(last));
        let read: Vec<u8> = masked(message.payload, message.mask).collect();
        let value = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(read, text.replace(&format!("\"{P}\""), &value).into_bytes());
        prop_assert_eq!(&out[message.length..], &rest);
    }

    /// Hostile bytes end in an error or in bytes, in no panic.
    #[test]
    fn hostile_bytes_are_survived(stream: Vec<u8>, always: bool) {
        let _ = run(&stream, std::iter::repeat(3), "v", always);
    }
}
