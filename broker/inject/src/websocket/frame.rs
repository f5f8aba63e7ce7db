//! One frame (RFC 6455 section 5.2).

use super::MESSAGE_LIMIT;
use crate::PlaceError;

/// Longest payload of a control frame, in bytes (section 5.5).
const CONTROL_LIMIT: u64 = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(crate) fn is_control(self) -> bool {
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

/// Whose frames are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Masks each of them, and sends no payload longer than [`MESSAGE_LIMIT`].
    Client,
    /// Masks none (section 5.1).
    Server,
}

impl Sender {
    fn longest(self) -> u64 {
        match self {
            Self::Client => MESSAGE_LIMIT as u64,
            // The first bit is 0 (section 5.2).
            Self::Server => i64::MAX.unsigned_abs(),
        }
    }
}

/// What stands before a payload.
pub(crate) struct Head {
    pub(crate) last: bool,
    pub(crate) opcode: Opcode,
    /// Zeros where there is none.
    mask: [u8; 4],
    /// How long the payload is, in bytes.
    pub(crate) payload: u64,
    /// How long it is itself, in bytes.
    pub(crate) length: usize,
}

impl Head {
    /// The head that `bytes` begin with; `None` where it is not whole yet. What is wrong with it is said as soon
    /// as it can be seen.
    pub(crate) fn read(bytes: &[u8], sender: Sender) -> Result<Option<Self>, PlaceError> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let last = first & 0x80 != 0;
        let opcode = Opcode::read(first & 0x0f).ok_or(PlaceError::BadFrame)?;
        let extended = first & 0x70 != 0;
        let masked = second & 0x80 != 0;
        if extended || masked != (sender == Sender::Client) {
            return Err(PlaceError::BadFrame);
        }
        let (payload, least, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 126, rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (length, 0x1_0000, rest)
            }
            (126 | 127, _) => return Ok(None),
            (short, rest) => (u64::from(short), 0, rest),
        };
        // In the fewest bytes that it can be said in.
        if payload < least || (opcode.is_control() && !(last && payload <= CONTROL_LIMIT)) {
            return Err(PlaceError::BadFrame);
        }
        if payload > sender.longest() {
            return Err(PlaceError::MessageTooLarge);
        }
        let (mask, rest) = match rest {
            _ if !masked => ([0; 4], rest),
            [a, b, c, d, rest @ ..] => ([*a, *b, *c, *d], rest),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            last,
            opcode,
            mask,
            payload,
            length: bytes.len() - rest.len(),
        }))
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
    /// The first frame of `bytes`; `None` where it is not whole yet.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Option<Self>, PlaceError> {
        let Some(head) = Head::read(bytes, Sender::Client)? else {
            return Ok(None);
        };
        let payload = usize::try_from(head.payload).unwrap_or(usize::MAX);
        let rest = bytes.get(head.length..).unwrap_or_default();
        Ok(rest.get(..payload).map(|payload| Self {
            last: head.last,
            opcode: head.opcode,
            mask: head.mask,
            payload,
            length: head.length + payload.len(),
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
