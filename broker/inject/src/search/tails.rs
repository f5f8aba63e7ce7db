//! Finds texts of any length by their ends: the automaton is built of a few bytes of each, which costs a
//! twentieth of what it would for tokens of a kilobyte, and the rest is compared where those are found.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{At, Search};
use crate::TooLarge;

/// Bytes of a text's end that are searched for.
const TAIL: usize = 32;

/// A text; lower case.
type Text = Arc<Zeroizing<Vec<u8>>>;

/// A search for some texts in which letters count in either case.
///
/// The automaton holds their ends, and is not wiped when it is dropped: that lies in the library's hands.
/// The texts are, when nobody has them any more.
pub(crate) struct Tails {
    search: Search,
    /// For each tail, the texts that end in it.
    wholes: Vec<Vec<Text>>,
}

impl Tails {
    /// For `texts`, none of them empty and all in lower case.
    pub(crate) fn new(mut texts: Vec<Text>) -> Result<Self, TooLarge> {
        texts.sort_by(|a, b| (tail(a), a.as_slice()).cmp(&(tail(b), b.as_slice())));
        texts.dedup();
        let mut wholes: Vec<Vec<Text>> = Vec::new();
        for text in texts {
            match wholes.last_mut() {
                Some(group) if group.first().is_some_and(|one| tail(one) == tail(&text)) => {
                    group.push(text);
                }
                _ => wholes.push(vec![text]),
            }
        }
        let tails: Vec<&[u8]> = wholes
            .iter()
            .filter_map(|group| group.first())
            .map(|text| tail(text))
            .collect();
        let search = Search::new(&tails, true)?;
        Ok(Self { search, wholes })
    }

    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        self.search.is_empty()
    }

    /// Where a search begins.
    pub(crate) fn root(&self) -> At {
        self.search.root()
    }

    /// How long the longest text is, in bytes.
    pub(crate) fn longest(&self) -> usize {
        let texts = self.wholes.iter().flatten();
        texts.map(|text| text.len()).max().unwrap_or(0)
    }

    /// Whether a text has such a byte in it.
    pub(crate) fn any(&self, such: impl Fn(u8) -> bool) -> bool {
        let mut texts = self.wholes.iter().flatten();
        texts.any(|text| text.iter().any(|byte| such(*byte)))
    }

    /// Goes on through `bytes`. `found` is told where a tail ends in them and which it is;
    /// [`lengths`](Self::lengths) says of what it is the end.
    pub(crate) fn scan(&self, at: At, bytes: &[u8], mut found: impl FnMut(usize, usize)) -> At {
        self.search
            .scan(at, bytes, |end, which, _| found(end, which))
    }

    /// Of the texts with this tail, how long those are that `bytes` end in.
    pub(crate) fn lengths(&self, which: usize, bytes: &[u8]) -> impl Iterator<Item = usize> {
        let texts = self.wholes.get(which).into_iter().flatten();
        texts
            .map(|text| (text.len(), text))
            .filter_map(|(length, text)| {
                let last = bytes.get(bytes.len().checked_sub(length)?..)?;
                last.eq_ignore_ascii_case(text).then_some(length)
            })
    }

    /// Where the texts in `bytes` end and how long they are, where nothing came before and nothing follows.
    pub(crate) fn within(&self, bytes: &[u8], mut found: impl FnMut(usize, usize)) {
        self.search.within(bytes, |end, which, _| {
            for length in self.lengths(which, bytes.get(..end).unwrap_or_default()) {
                found(end, length);
            }
        });
    }
}

/// In UTF-16 it begins with a letter: bytes that are null are common, and at each of them a search would begin.
fn tail(text: &[u8]) -> &[u8] {
    let from = text.len().saturating_sub(TAIL);
    let tail = text.get(from..).unwrap_or_default();
    match tail.strip_prefix(b"\0") {
        Some(shorter) if from > 0 => shorter,
        _ => tail,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::Tails;

    fn tails(texts: &[String]) -> Tails {
        let texts = texts
            .iter()
            .map(|text| Arc::new(Zeroizing::new(text.clone().into_bytes())));
        Tails::new(texts.collect()).unwrap()
    }

    proptest! {
        /// Texts that share their ends, are ends of each other, and are longer and shorter than what is searched for.
        #[test]
        fn every_whole_is_found_and_nothing_else(
            beginnings in prop::collection::vec("[ab]{0,3}", 1..4),
            end in "[ab]{28,36}",
            text in prop::collection::vec(prop_oneof![Just(0_usize), Just(1), Just(2)], 0..4),
            between in "[abAB]{0,3}",
        ) {
            let texts: Vec<String> = beginnings.iter().map(|one| format!("{one}{end}")).collect();
            let whole: String = text.iter().map(|which| match which {
                0 => format!("{between}{end}"),
                1 => format!("{}{between}", end.to_ascii_uppercase()),
                _ => format!("{}c", beginnings.concat()),
            }).collect();
            let mut unique = texts.clone();
            unique.sort();
            unique.dedup();
            let lower = whole.to_ascii_lowercase();
            let mut expected: Vec<(usize, usize)> = (1..=lower.len())
                .flat_map(|end| unique.iter().map(move |text| (end, text)))
                .filter(|(end, text)| lower.as_bytes()[..*end].ends_with(text.as_bytes()))
                .map(|(end, text)| (end, text.len()))
                .collect();
            expected.sort_unstable();
            let mut found = Vec::new();
            tails(&texts).within(whole.as_bytes(), |end, length| found.push((end, length)));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_end_alone_is_none_of_them() {
        let text = format!("beginning-{}", "0123456789abcdef".repeat(4));
        let search = tails(std::slice::from_ref(&text));
        let found = |bytes: &str| {
            let mut found = 0;
            search.within(bytes.as_bytes(), |_, _| found += 1);
            found
        };
        assert_eq!(found(&text), 1);
        assert_eq!(found(text.trim_start_matches('b')), 0);
        assert_eq!(found(&text.replacen('b', "x", 1)), 0);
    }
}
