//! Frames: four bytes of length, big-endian, and as many bytes.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::broken::Broken;

/// Longest frame, in bytes, without its length. Only one that carries a request's body may be longer, and
/// nobody here asks for one.
const LONGEST: usize = 1 << 20;
/// How much is read at once, in bytes.
const READ: usize = 16 << 10;

/// The frames of a stream, one after another.
pub(super) struct Frames<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) const fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
        }
    }

    /// The next frame; nothing where the stream ended behind a whole one.
    ///
    /// Cancel safe: what was read of a frame is kept. Holds no more than one frame and what came with it
    /// in one read, and no room for a frame that is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            self.buffer.reserve(READ);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                let whole = self.buffer.is_empty();
                return whole
                    .then_some(None)
                    .ok_or(Broken::Rule("its stream ends within a frame"));
            }
        }
    }

    fn take(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let Some((length, rest)) = self.buffer.split_first_chunk() else {
            return Ok(None);
        };
        // What does not fit into a `usize` is longer than anything.
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(Broken::Rule("a frame is longer than 1 MiB"));
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.buffer.drain(..size_of::<u32>() + length);
        Ok(Some(frame))
    }
}

/// `content` as a frame.
pub(super) fn frame(content: &[u8]) -> Result<Vec<u8>, Broken> {
    let length = u32::try_from(content.len())
        .ok()
        .filter(|_| content.len() <= LONGEST)
        .ok_or(Broken::Rule(
            "its question needs an answer of more than 1 MiB",
        ))?;
    let mut frame = Vec::with_capacity(size_of::<u32>() + content.len());
    frame.extend(length.to_be_bytes());
    frame.extend(content);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, task};

    use super::{Broken, Frames, LONGEST, frame};

    /// What is read where the bytes come in these pieces.
    async fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Option<Broken>) {
        let (mut to, from) = tokio::io::duplex(2 * LONGEST);
        let mut frames = Frames::new(from);
        let mut read = Vec::new();
        let reading = async {
            loop {
                match frames.next().await {
                    Ok(Some(frame)) => read.push(frame),
                    Ok(None) => return None,
                    Err(broken) => return Some(broken),
                }
            }
        };
        let writing = async move {
            for piece in pieces {
                // The reader may have had enough.
                drop(to.write_all(piece).await);
                task::yield_now().await;
            }
        };
        let (broken, ()) = tokio::join!(reading, writing);
        (read, broken)
    }

    fn sent(contents: &[&[u8]]) -> Vec<u8> {
        contents
            .iter()
            .flat_map(|content| frame(content).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn frames_are_the_same_however_they_are_cut() {
        let contents: [&[u8]; 4] = [b"{}", b"", b"{\"t\":\"hello\"}", &[0xff; 300]];
        let bytes = sent(&contents);
        for first in 0..bytes.len() {
            let (a, b) = bytes.split_at(first);
            let (read, broken) = read(&[a, b]).await;
            assert_eq!(read, contents, "cut at {first}");
            assert!(broken.is_none(), "cut at {first}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).await.0, contents);
    }

    #[tokio::test]
    async fn the_longest_is_read_and_no_longer_one() {
        let longest = vec![b' '; LONGEST];
        let bytes = sent(&[&longest]);
        assert_eq!(read(&[&bytes]).await.0, [longest]);
        assert!(frame(&vec![b' '; LONGEST + 1]).is_err());

        // Refused by its length alone: nothing of it need come, and no room is made for it.
        for length in [1_048_577_u32, u32::MAX] {
            let (frames, broken) = read(&[&sent(&[b"{}"]), &length.to_be_bytes()]).await;
            assert_eq!(frames, [b"{}"]);
            assert!(matches!(broken, Some(Broken::Rule(_))), "{length}");
        }
    }

    #[tokio::test]
    async fn text_without_a_length_is_no_frame() {
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "{\"t\":\"hello\",\"proto\":1}"] {
            let (frames, broken) = read(&[garbage.as_bytes()]).await;
            assert!(frames.is_empty());
            assert!(matches!(broken, Some(Broken::Rule(_))), "{garbage}");
        }
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_no_end() {
        let bytes = sent(&[b"{}", b"{}"]);
        for length in 1..bytes.len() {
            let (frames, broken) = read(&[&bytes[..length]]).await;
            assert_eq!(frames.len(), length / 6);
            assert_eq!(broken.is_none(), length == 6, "{length}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_dropped_loses_nothing() {
        let (mut to, from) = tokio::io::duplex(64);
        let mut frames = Frames::new(from);
        for byte in sent(&[b"{}"]) {
            tokio::select! {
                biased;
                read = frames.next() => panic!("read {read:?} too early"),
                () = task::yield_now() => {}
            }
            to.write_all(&[byte]).await.unwrap();
        }
        assert_eq!(frames.next().await.unwrap().unwrap(), b"{}");
    }
}
