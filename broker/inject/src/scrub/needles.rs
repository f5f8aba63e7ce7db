//! The search for every form of every value at once.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::{Scrubber, Shapes};
use crate::{TooLarge, search::Tails};

/// Stands in place of every masked byte.
pub(super) const MASK: u8 = b'x';

/// Every form of the values that were lent for one origin. Built once for a set of loans and shared;
/// searching allocates nothing while nothing is found.
///
/// The search holds the ends of the values in a shape of its own and is not wiped when it is dropped: that
/// lies in the library's hands. No page of the process is readable from a sandbox, nor in a core file.
pub struct Needles {
    search: Tails,
    /// One less than the longest form, in bytes.
    lag: usize,
    /// Whether a form has white space in it.
    white: bool,
}

impl Needles {
    /// Those of all these values.
    ///
    /// # Errors
    /// Where there are too many or too long ones.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Shapes>) -> Result<Self, TooLarge> {
        let forms = values.into_iter().flat_map(Shapes::forms);
        let search = Tails::new(forms.cloned().collect())?;
        Ok(Self {
            lag: search.longest().saturating_sub(1),
            white: search.any(is_white),
            search,
        })
    }

    /// Whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.search.is_empty()
    }

    /// Whether a value stands in `bytes`, such as a reason phrase, in any form.
    pub fn in_bytes(&self, bytes: &[u8]) -> bool {
        let mut found = false;
        self.search.within(bytes, |_, _| found = true);
        found
    }

    /// Masks the values in headers or trailers, each byte with `x`, and drops headers in whose *name* one
    /// stands. Returns how often any was found.
    pub fn head(&self, headers: &mut HeaderMap) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut found = 0;
        let mut marks = Vec::new();
        for value in headers.values_mut() {
            self.search.within(value.as_bytes(), |end, length| {
                marks.push((end - length, end))
            });
            if !marks.is_empty() {
                found += marks.len();
                let mut bytes = Zeroizing::new(value.as_bytes().to_vec());
                mask(&mut bytes, marks.drain(..));
                // Whatever was a header's value is one with other visible characters in it.
                *value = HeaderValue::from_bytes(&bytes)
                    .unwrap_or_else(|_| HeaderValue::from_static(""));
            }
        }
        let named = |name: &&HeaderName| self.in_bytes(name.as_str().as_bytes());
        // Collecting none does not allocate.
        let names: Vec<HeaderName> = headers.keys().filter(named).cloned().collect();
        for name in names {
            found += 1;
            headers.remove(name);
        }
        found
    }

    /// For one body.
    pub fn scrubber(self: &Arc<Self>) -> Scrubber {
        Scrubber::new(self)
    }

    pub(super) fn search(&self) -> &Tails {
        &self.search
    }

    /// How many of the last bytes of a stream are withheld until more come: as many as a needle can have before
    /// its end, of a run of bytes without white space. It depends on how long the values are and on nothing
    /// else of them: whoever chooses what a host sends could otherwise learn a value by what does not come.
    pub(super) fn withheld(&self, before: usize, chunk: &[u8]) -> usize {
        if self.white {
            return self.lag.min(before + chunk.len());
        }
        let last = chunk.iter().rev().take(self.lag);
        let run = last.take_while(|byte| !is_white(**byte)).count();
        if run == chunk.len() {
            self.lag.min(before + run)
        } else {
            run
        }
    }
}

/// A null byte stands between the letters of UTF-16.
const fn is_white(byte: u8) -> bool {
    byte <= b' ' && byte != 0
}

/// Masks what lies in `bytes` of what is marked: from its first byte to before its end.
pub(super) fn mask(bytes: &mut [u8], marks: impl IntoIterator<Item = (usize, usize)>) {
    for (start, end) in marks {
        let end = end.min(bytes.len());
        if let Some(found) = bytes.get_mut(start..end) {
            found.fill(MASK);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::testing::{needles, token};
    use super::{super::Shapes, Needles};

    #[test]
    fn a_head_is_masked_and_keeps_its_length() {
        let needles = needles(&["sk-live/abcdef123"], &["bot"]);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("location", "https://a/?k=sk-live%2fabcdef123&x=1"),
            ("set-cookie", "a=SK-LIVE/abcdef123; Path=/"),
            ("set-cookie", "b=c2stbGl2ZS9hYmNkZWYxMjM="),
            ("x-basic", "Basic Ym90OnNrLWxpdmUvYWJjZGVmMTIz"),
            ("x-harmless", "sk-live/abcdef124"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        assert_eq!(needles.head(&mut headers), 5, "Basic is found twice");
        let all: Vec<_> = headers.iter().map(|(_, v)| v.to_str().unwrap()).collect();
        assert_eq!(
            all,
            [
                "https://a/?k=xxxxxxxxxxxxxxxxxxx&x=1",
                "a=xxxxxxxxxxxxxxxxx; Path=/",
                // The last character holds bits of what follows.
                "b=xxxxxxxxxxxxxxxxxxxxxxM=",
                "Basic xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "sk-live/abcdef124",
            ]
        );
    }

    #[test]
    fn a_header_named_like_a_value_is_dropped() {
        let needles = needles(&["Key-ABCDEF"], &[]);
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("x-key-abcdef-y"),
            HeaderValue::from_static("1"),
        );
        assert_eq!(needles.head(&mut headers), 1);
        assert!(headers.is_empty());
    }

    #[test]
    fn without_values_nothing_is_searched() {
        let none = Needles::new([&Shapes::of(&token(""), None)]).unwrap();
        assert!(none.is_empty());
        assert!(!none.in_bytes(b"anything"));
        assert!(needles(&["ab"], &[]).in_bytes(b"cabd"));
    }
}
