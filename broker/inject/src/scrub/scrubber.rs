//! A body in chunks.

use std::sync::Arc;

use hyper::body::Bytes;
use zeroize::Zeroizing;

use super::{Live, Needles, needles::mask};
use crate::search::At;

/// Masks values in one stream of bytes, wherever it is cut. As many bytes come out as go in.
pub struct Scrubber {
    live: Live,
    needles: Arc<Needles>,
    state: At,
    /// The last bytes, which could be the beginning of a value.
    held: Zeroizing<Vec<u8>>,
    found: u64,
}

impl Scrubber {
    /// For one body.
    pub fn new(live: impl Into<Live>) -> Self {
        let live = live.into();
        let needles = live.now();
        let state = needles.search().root();
        Self {
            live,
            needles,
            state,
            held: Zeroizing::default(),
            found: 0,
        }
    }

    /// What can be told of the stream after `chunk`: everything but its last bytes without white space, as many
    /// as a value could have begun with. A chunk in which nothing is found, with nothing held back from before, is not
    /// copied. May be empty.
    pub fn feed(&mut self, mut chunk: Bytes) -> Bytes {
        self.refresh();
        if self.needles.is_empty() {
            return chunk;
        }
        let mut finds = Vec::new();
        let search = self.needles.search();
        self.state = search.scan(self.state, &chunk, |end, _, length| {
            finds.push((end, length))
        });
        self.found += finds.len() as u64;
        let before = self.held.len();
        let length = before + chunk.len();
        let kept = length.saturating_sub(self.needles.withheld(before, &chunk));
        if before == 0 && finds.is_empty() {
            let held = chunk.split_off(kept);
            self.held.extend_from_slice(&held);
            return chunk;
        }
        self.held.extend_from_slice(&chunk);
        mask(&mut self.held, before, &finds);
        // However small the chunk is, only what is told is copied.
        self.held.drain(..kept).collect()
    }

    /// What was held back, when nothing follows.
    pub fn finish(&mut self) -> Bytes {
        self.refresh();
        self.state = self.needles.search().root();
        Bytes::from(std::mem::take(&mut *self.held))
    }

    /// How many bytes are held back.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// How often a value was found.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// What is searched for from here on.
    pub(super) fn needles(&mut self) -> &Needles {
        self.refresh();
        &self.needles
    }

    /// Goes on with what was lent meanwhile; what is held back is searched for it too.
    fn refresh(&mut self) {
        let Some(newer) = self.live.newer() else {
            return;
        };
        let (search, mut finds) = (newer.search(), Vec::new());
        self.state = search.scan(search.root(), &self.held, |end, _, length| {
            finds.push((end, length));
        });
        self.found += finds.len() as u64;
        mask(&mut self.held, 0, &finds);
        self.needles = newer;
    }
}

#[cfg(test)]
mod tests;
