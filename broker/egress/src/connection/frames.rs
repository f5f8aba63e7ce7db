//! Where the frames of a WebSocket end (RFC 6455 section 5.2). Nothing waits for bytes after the end of one.

/// Longest head of a frame, in bytes: two, a length of eight, a key of four.
const HEAD: usize = 14;

/// One direction of a WebSocket, wherever its bytes are cut.
#[derive(Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// How much of the next head has come, in bytes.
    came: usize,
    /// How much of the payload is still to come, in bytes.
    payload: u64,
}

impl Frames {
    /// How many of `bytes` belong to the frame that ends in them. `None` where it does not: then they were all
    /// taken, and the next call goes on after them. Never 0.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while self.payload == 0 {
            let byte = bytes.get(at)?;
            *self.head.get_mut(self.came)? = *byte;
            self.came += 1;
            at += 1;
            if self.came == self.length() {
                self.came = 0;
                self.payload = self.announced();
                if self.payload == 0 {
                    return Some(at);
                }
            }
        }
        let here = bytes.len() - at;
        match usize::try_from(self.payload) {
            Ok(payload) if payload <= here => {
                self.payload = 0;
                Some(at + payload)
            }
            _ => {
                self.payload -= here as u64;
                None
            }
        }
    }

    /// Of the head, as far as what came of it tells.
    fn length(&self) -> usize {
        if self.came < 2 {
            return 2;
        }
        let key = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + key
    }

    fn announced(&self) -> u64 {
        let [_, short, a, b, c, d, e, f, g, h, ..] = self.head;
        match short & 0x7f {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => u64::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;

    #[test]
    fn frames_end_wherever_they_are_cut() {
        let long = vec![b'a'; 126];
        let huge = vec![b'b'; 70_000];
        let masked = [&[0x81, 0x82, 1, 2, 3, 4][..], b"hi"].concat();
        let frames = [
            [&[0x81, 2][..], b"hi"].concat(),
            vec![0x89, 0],
            [&[0x82, 126, 0, 126][..], &long].concat(),
            masked,
            [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70][..], &huge].concat(),
            vec![0x88, 0],
        ];
        let mut expected = Vec::new();
        let mut all = Vec::new();
        for frame in &frames {
            all.extend_from_slice(frame);
            expected.push(all.len());
        }
        for cut in [1, 2, 3, 7, 1000, all.len()] {
            let mut reader = Frames::default();
            let (mut ends, mut passed) = (Vec::new(), 0);
            for chunk in all.chunks(cut) {
                let mut rest = chunk;
                while let Some(end) = reader.end(rest) {
                    passed += end;
                    ends.push(passed);
                    rest = &rest[end..];
                }
                passed += rest.len();
            }
            assert_eq!(ends, expected, "in pieces of {cut}");
        }
    }
}
