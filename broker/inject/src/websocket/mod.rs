//! Puts a value into the first message of a WebSocket (RFC 6455): some services are logged in to there.
//!
//! `frame` reads and writes one frame.

mod frame;

pub(crate) use frame::{Head, Opcode, Sender};

use valetkey_secret::IssuedToken;

use crate::{PlaceError, into_json};
use frame::Frame;

/// Longest first message, in bytes.
pub const MESSAGE_LIMIT: usize = 64 * 1024;

/// Whether the first message is through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    More,
    /// It is; from now on bytes pass as they are, and need not be fed.
    Done,
}

/// Rewrites the first data message that a client sends, which is JSON text. Control frames before it pass.
/// It comes out in one frame, under the mask of its first fragment.
pub struct FirstMessage {
    pointer: String,
    placeholder: Option<String>,
    always: bool,
    state: State,
    /// Of a frame that is not whole yet.
    pending: Vec<u8>,
    message: Option<Message>,
}

struct Message {
    opcode: Opcode,
    mask: [u8; 4],
    payload: Vec<u8>,
}

impl FirstMessage {
    /// For a stream after its upgrade. The place, the placeholder and `always` mean what they mean to
    /// [`into_json`].
    pub fn new(pointer: &str, placeholder: Option<&str>, always: bool) -> Self {
        Self {
            pointer: pointer.to_owned(),
            placeholder: placeholder.map(str::to_owned),
            always,
            state: State::More,
            pending: Vec::new(),
            message: None,
        }
    }

    /// Takes what the client sent and appends what is to be sent in its place. The value is asked for anew
    /// each time, so that it need not be kept.
    ///
    /// # Errors
    /// Where the stream must be cut: a frame is malformed, not masked or uses an extension; the message is
    /// longer than [`MESSAGE_LIMIT`]; where it holds the placeholder or is `always` to hold the value, and is
    /// not text or not what [`into_json`] takes.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        value: &IssuedToken,
        out: &mut Vec<u8>,
    ) -> Result<State, PlaceError> {
        if self.state == State::Done {
            out.extend_from_slice(bytes);
            return Ok(State::Done);
        }
        self.pending.extend_from_slice(bytes);
        let mut pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while self.state == State::More {
            let Some(frame) = Frame::read(rest)? else {
                let read = pending.len() - rest.len();
                pending.drain(..read);
                self.pending = pending;
                return Ok(State::More);
            };
            let (raw, after) = rest
                .split_at_checked(frame.length)
                .ok_or(PlaceError::BadFrame)?;
            rest = after;
            if frame.opcode.is_control() {
                out.extend_from_slice(raw);
            } else {
                self.fragment(&frame, value, out)?;
            }
        }
        out.extend_from_slice(rest);
        Ok(self.state)
    }

    fn fragment(
        &mut self,
        frame: &Frame<'_>,
        value: &IssuedToken,
        out: &mut Vec<u8>,
    ) -> Result<(), PlaceError> {
        let mut message = match (self.message.take(), frame.opcode) {
            (Some(message), Opcode::Continuation) => message,
            (None, opcode @ (Opcode::Text | Opcode::Binary)) => Message {
                opcode,
                mask: frame.mask,
                payload: Vec::new(),
            },
            _ => return Err(PlaceError::BadFrame),
        };
        if message.payload.len() + frame.payload.len() > MESSAGE_LIMIT {
            return Err(PlaceError::MessageTooLarge);
        }
        message
            .payload
            .extend(frame::masked(frame.payload, frame.mask));
        if !frame.last {
            self.message = Some(message);
            return Ok(());
        }
        let placed = match message.opcode {
            Opcode::Text => into_json(
                &message.payload,
                &self.pointer,
                value,
                self.placeholder.as_deref(),
                self.always,
            )?,
            _ if self.always => return Err(PlaceError::NotTextMessage),
            _ => None,
        };
        let payload = placed.as_deref().unwrap_or(&message.payload);
        frame::write(message.opcode, message.mask, payload, out);
        self.state = State::Done;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
