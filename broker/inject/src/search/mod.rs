//! Finds many texts at once, in one pass and without allocation.
//!
//! `skip` passes over what cannot be any of them; `tails` is for long ones.

mod skip;
mod tails;

use aho_corasick::{
    Anchored,
    automaton::{Automaton as _, StateID},
    nfa::contiguous::NFA,
};

use crate::TooLarge;
use skip::Skip;
pub(crate) use tails::Tails;

/// How far a search has come.
pub(crate) type At = StateID;

/// A search for some texts, none of them empty.
///
/// Its automaton holds them in a shape of its own, and is not wiped when it is dropped: that lies in the
/// library's hands.
pub(crate) struct Search {
    automaton: NFA,
    root: At,
    skip: Option<Skip>,
}

impl Search {
    /// For `texts`; where `any_case`, letters count in either.
    pub(crate) fn new<T: AsRef<[u8]>>(texts: &[T], any_case: bool) -> Result<Self, TooLarge> {
        let automaton = NFA::builder()
            .ascii_case_insensitive(any_case)
            // `Skip` does that.
            .prefilter(false)
            .build(texts)
            .map_err(|_| TooLarge)?;
        let root = automaton.start_state(Anchored::No).map_err(|_| TooLarge)?;
        let skip = Skip::new(texts.iter().map(AsRef::as_ref));
        Ok(Self {
            automaton,
            root,
            skip,
        })
    }

    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        self.automaton.patterns_len() == 0
    }

    /// Where a search begins.
    pub(crate) fn root(&self) -> At {
        self.root
    }

    /// One byte on.
    pub(crate) fn step(&self, at: At, byte: u8) -> At {
        self.automaton.next_state(Anchored::No, at, byte)
    }

    /// The texts that end here: which of them, and how long it is.
    pub(crate) fn ends(&self, at: At) -> impl Iterator<Item = (usize, usize)> {
        let many = match self.automaton.is_match(at) {
            true => self.automaton.match_len(at),
            false => 0,
        };
        (0..many).map(move |nth| {
            let text = self.automaton.match_pattern(at, nth);
            (text.as_usize(), self.automaton.pattern_len(text))
        })
    }

    /// Goes on through `bytes`. `found` is told where a text ends in them, which and how long it is, also
    /// where it began before them; texts may overlap.
    pub(crate) fn scan(&self, at: At, bytes: &[u8], found: impl FnMut(usize, usize, usize)) -> At {
        self.through(at, bytes, true, found)
    }

    /// The same where nothing came before `bytes` and nothing follows them, which is faster.
    pub(crate) fn within(&self, bytes: &[u8], found: impl FnMut(usize, usize, usize)) {
        self.through(self.root, bytes, false, found);
    }

    fn through(
        &self,
        mut at: At,
        bytes: &[u8],
        goes_on: bool,
        mut found: impl FnMut(usize, usize, usize),
    ) -> At {
        let mut next = 0;
        loop {
            if let Some(skip) = self.skip.as_ref().filter(|_| at == self.root) {
                next = skip.next(bytes, next);
                if !goes_on && !skip.fits(bytes, next) {
                    return at;
                }
            }
            let Some(byte) = bytes.get(next) else {
                return at;
            };
            at = self.step(at, *byte);
            next += 1;
            for (which, length) in self.ends(at) {
                found(next, which, length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Search;

    /// Where each text ends, by hand.
    fn ends(texts: &[String], whole: &str) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for end in 1..=whole.len() {
            for (which, text) in texts.iter().enumerate() {
                if whole.as_bytes()[..end].ends_with(text.as_bytes()) {
                    all.push((end, which, text.len()));
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn every_text_is_found(
            texts in prop_oneof![
                prop::collection::vec("[ab]{1,12}", 1..4),
                prop::collection::vec("[ab]{4,12}", 1..4),
            ],
            whole in "[abcAB]{0,60}",
            cut in any::<prop::sample::Index>(),
            any_case: bool,
        ) {
            let search = Search::new(&texts, any_case).unwrap();
            let lower = if any_case { whole.to_ascii_lowercase() } else { whole.clone() };
            let expected = ends(&texts, &lower);
            let mut found = Vec::new();
            search.within(whole.as_bytes(), |end, which, length| found.push((end, which, length)));
            found.sort_unstable();
            prop_assert_eq!(&found, &expected);

            let (head, tail) = whole.as_bytes().split_at(cut.index(whole.len() + 1));
            let mut found = Vec::new();
            let at = search.scan(search.root(), head, |end, which, length| {
                found.push((end, which, length));
            });
            search.scan(at, tail, |end, which, length| {
                found.push((head.len() + end, which, length));
            });
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn nothing_is_found_by_nothing() {
        let search = Search::new::<&str>(&[], true).unwrap();
        assert!(search.is_empty());
        search.within(b"anything", |_, _, _| panic!("nothing to find"));
    }
}
