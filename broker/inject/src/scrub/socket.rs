//! What a WebSocket answers, message by message (RFC 6455).

use std::collections::VecDeque;

use hyper::body::Bytes;

use super::{Live, Scrubber};
use crate::websocket::{Head, Opcode, Sender};

/// Most bytes of heads and control frames that wait for those of a message.
const WAITING_LIMIT: usize = 64 * 1024;

/// What an origin sent that is no WebSocket: the connection must end (RFC 6455 section 7.1.7). Read otherwise, a
/// value could stand where nobody looks for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what the origin sent on the WebSocket is no sequence of frames without mask and extensions"
)]
pub struct Unframed;

/// Masks values in the messages of one WebSocket, wherever its bytes are cut and its messages fragmented.
/// As many bytes come out as go in. What is held back goes out with the end of its message.
pub struct ScrubbedSocket {
    live: Live,
    message: Scrubber,
    /// Whether a message has begun and has not ended.
    is_open: bool,
    /// The data frame that has begun.
    frame: Option<Data>,
    /// Of a head or a control frame that is not whole yet.
    pending: Vec<u8>,
    /// Heads and control frames, each with how many bytes of the message stand before it and after the last.
    /// The first of them has some.
    waiting: VecDeque<(usize, Vec<u8>)>,
    /// How many bytes of the message stand before the last of them.
    ahead: usize,
    /// How many bytes they are.
    length: usize,
}

struct Data {
    last: bool,
    left: u64,
}

impl ScrubbedSocket {
    /// For what comes after the handshake.
    pub fn new(live: Live) -> Self {
        Self {
            message: Scrubber::new(live.clone()),
            live,
            is_open: false,
            frame: None,
            pending: Vec::new(),
            waiting: VecDeque::new(),
            ahead: 0,
            length: 0,
        }
    }

    /// Takes what the origin sent and appends what can be told of it.
    ///
    /// # Errors
    /// Where the connection must end.
    pub fn feed(&mut self, mut bytes: Bytes, out: &mut Vec<u8>) -> Result<(), Unframed> {
        while !bytes.is_empty() {
            match &mut self.frame {
                Some(frame) => {
                    let left = usize::try_from(frame.left).unwrap_or(usize::MAX);
                    let payload = bytes.split_to(left.min(bytes.len()));
                    frame.left -= payload.len() as u64;
                    let told = self.message.feed(payload);
                    self.tell(&told, out);
                    self.end(out);
                }
                None => {
                    self.pending.extend_from_slice(&bytes.split_to(1));
                    self.begin(out)?;
                }
            }
        }
        Ok(())
    }

    /// What was held back, when nothing follows.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let told = self.message.finish();
        self.tell(&told, out);
        let rest = std::mem::take(&mut self.pending);
        self.alone(rest.into(), out);
    }

    /// A frame, where enough of it is there.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), Unframed> {
        let Some(head) = Head::read(&self.pending, Sender::Server).map_err(|_| Unframed)? else {
            return Ok(());
        };
        if head.opcode.is_control() {
            let come = self.pending.len() - head.length;
            return match come as u64 == head.payload {
                true => self.control(head.length, out),
                false => Ok(()),
            };
        }
        if self.is_open != (head.opcode == Opcode::Continuation) {
            return Err(Unframed);
        }
        self.is_open = true;
        let raw = std::mem::take(&mut self.pending);
        self.insert(raw, out)?;
        self.frame = Some(Data {
            last: head.last,
            left: head.payload,
        });
        self.end(out);
        Ok(())
    }

    /// A control frame, which is whole and a message of its own.
    fn control(&mut self, head: usize, out: &mut Vec<u8>) -> Result<(), Unframed> {
        let mut raw = std::mem::take(&mut self.pending);
        let payload = Bytes::from(raw.split_off(head));
        self.alone(payload, &mut raw);
        self.insert(raw, out)
    }

    /// What belongs to no message.
    fn alone(&self, bytes: Bytes, out: &mut Vec<u8>) {
        let mut scrubber = Scrubber::new(self.live.clone());
        out.extend(scrubber.feed(bytes));
        out.extend(scrubber.finish());
    }

    /// What stands between bytes of a message.
    fn insert(&mut self, mut raw: Vec<u8>, out: &mut Vec<u8>) -> Result<(), Unframed> {
        let before = self.message.held() - self.ahead;
        if before == 0 && self.waiting.is_empty() {
            out.append(&mut raw);
            return Ok(());
        }
        self.length += raw.len();
        if self.length > WAITING_LIMIT {
            return Err(Unframed);
        }
        match self.waiting.back_mut() {
            Some((_, last)) if before == 0 => last.append(&mut raw),
            _ => self.waiting.push_back((before, raw)),
        }
        self.ahead += before;
        Ok(())
    }

    /// Bytes of the message, each with what stands before it.
    fn tell(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((before, raw)) = self.waiting.front_mut() {
            let Some((first, rest)) = bytes.split_at_checked(*before) else {
                *before -= bytes.len();
                self.ahead -= bytes.len();
                break;
            };
            self.ahead -= first.len();
            self.length -= raw.len();
            out.extend_from_slice(first);
            out.append(raw);
            bytes = rest;
            self.waiting.pop_front();
        }
        out.extend_from_slice(bytes);
    }

    /// The frame, where all of it has come, and its message where it is the last.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Some(Data { last, .. }) = self.frame.take_if(|frame| frame.left == 0) else {
            return;
        };
        if last {
            self.is_open = false;
            let told = self.message.finish();
            self.tell(&told, out);
        }
    }
}

#[cfg(test)]
mod tests;
