//! A body in chunks.

use std::{collections::BTreeSet, mem, sync::Arc};

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
    /// Where values stand in it: first byte, and the one after the last. They are masked when they are told, and
    /// not before: what follows may make another of their bytes.
    marks: BTreeSet<(usize, usize)>,
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
            marks: BTreeSet::new(),
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
        let mut tails = Vec::new();
        let search = self.needles.search();
        self.state = search.scan(self.state, &chunk, |end, which| tails.push((end, which)));
        let before = self.held.len();
        let length = before + chunk.len();
        let kept = length.saturating_sub(self.needles.withheld(before, &chunk));
        if before == 0 && tails.is_empty() {
            let held = chunk.split_off(kept);
            self.held.extend_from_slice(&held);
            return chunk;
        }
        self.held.extend_from_slice(&chunk);
        self.mark(before, &tails);
        self.tell(kept)
    }

    /// What was held back, when nothing follows.
    pub fn finish(&mut self) -> Bytes {
        self.refresh();
        self.state = self.needles.search().root();
        self.tell(self.held.len())
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
        let (search, mut tails) = (newer.search(), Vec::new());
        self.state = search.scan(search.root(), &self.held, |end, which| {
            tails.push((end, which))
        });
        self.needles = newer;
        self.mark(0, &tails);
    }

    /// Marks the values that have these tails, told as where they end after the first `before` bytes.
    fn mark(&mut self, before: usize, tails: &[(usize, usize)]) {
        for (end, which) in tails {
            let end = before + end;
            let bytes = self.held.get(..end).unwrap_or_default();
            for length in self.needles.search().lengths(*which, bytes) {
                self.found += u64::from(self.marks.insert((end - length, end)));
            }
        }
    }

    /// The first bytes of what is held, masked.
    fn tell(&mut self, bytes: usize) -> Bytes {
        // However small a chunk was, only what is told is copied.
        let mut told: Vec<u8> = self.held.drain(..bytes).collect();
        mask(&mut told, self.marks.iter().copied());
        let rest = mem::take(&mut self.marks).into_iter();
        let rest = rest.filter(|(_, end)| *end > bytes);
        self.marks = rest
            .map(|(start, end)| (start.saturating_sub(bytes), end - bytes))
            .collect();
        told.into()
    }
}

#[cfg(test)]
mod tests;
