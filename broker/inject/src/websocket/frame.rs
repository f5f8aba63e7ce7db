//! One frame (RFC 6455 section 5.2).

use super::MESSAGE_LIMIT;
use crate::PlaceError;

/// Longest payload of a control frame, in bytes (section 5.5).
const CONTROL_LIMIT: usize = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn read(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// A frame of a client.
pub(super) struct Frame<'a> {
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: [u8; 4],
    /// Still masked.
    pub(super) payload: &'a [u8],
    /// Of all of it, in bytes.
    pub(super) length: usize,
}

impl<'a> Frame<'a> {
    /// The first frame of `bytes`; `None` where it is not whole yet. What is wrong with it is said as soon
    /// as it can be seen, before its payload is there.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Option<Self>, PlaceError> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let last = first & 0x80 != 0;
        let opcode = Opcode::read(first & 0x0f).ok_or(PlaceError::BadFrame)?;
        let extended = first & 0x70 != 0;
        let masked = second & 0x80 != 0;
        if extended || !masked {
            return Err(PlaceError::BadFrame);
        }
        let (length, least, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 126, rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (length, 0x1_0000, rest)
            }
            (126 | 127, _) => return Ok(None),
            (short, rest) => (u64::from(short), 0, rest),
        };
        // In the fewest bytes that it can be said in.
        if length < least {
            return Err(PlaceError::BadFrame);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if opcode.is_control() && !(last && length <= CONTROL_LIMIT) {
            return Err(PlaceError::BadFrame);
        }
        if length > MESSAGE_LIMIT {
            return Err(PlaceError::MessageTooLarge);
        }
        let [a, b, c, d, rest @ ..] = rest else {
            return Ok(None);
        };
        let before = bytes.len() - rest.len();
        Ok(rest.get(..length).map(|payload| Self {
            last,
            opcode,
            mask: [*a, *b, *c, *d],
            payload,
            length: before + length,
        }))
    }
}

/// Masks, or takes the mask off (section 5.3).
pub(super) fn masked(payload: &[u8], mask: [u8; 4]) -> impl Iterator<Item = u8> {
    let mask = mask.into_iter().cycle();
    payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask)
}

/// A whole message in one frame.
pub(super) fn write(opcode: Opcode, mask: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    // At once: a buffer that grows leaves copies behind, and whoever has the mask can read them.
    out.reserve(payload.len() + 14);
    out.push(0x80 | opcode.bits());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => out.push(0x80 | short),
        (_, Ok(length)) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(masked(payload, mask));
}
