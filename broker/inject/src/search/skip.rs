//! Passes over what cannot be the beginning of any needle, several bytes at a time (Wu and Manber, "A fast
//! algorithm for multi-pattern searching", 1994): the last three bytes of a window tell by how much it can
//! be moved on without a needle being missed.

/// Bytes that are looked at together.
const BLOCK: usize = 3;
/// Needles shorter than this, in bytes, leave nothing to skip.
const LEAST: usize = 4;
/// Longest window, in bytes.
const MOST: usize = 64;
/// How many sorts of blocks are told apart.
const SORTS: usize = 1 << 14;

/// How far to move.
pub(super) struct Skip {
    window: usize,
    shifts: Box<[u8; SORTS]>,
}

impl Skip {
    /// `None` where a needle is too short. Letters count in either case.
    pub(super) fn new<'a>(needles: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Self> {
        let shortest = needles.clone().map(<[u8]>::len).min()?;
        if shortest < LEAST {
            return None;
        }
        let window = shortest.min(MOST);
        let unknown = u8::try_from(window - BLOCK + 1).ok()?;
        let mut shifts = Box::new([unknown; SORTS]);
        for needle in needles {
            let blocks = needle.windows(BLOCK).take(window - BLOCK + 1);
            for (shift, block) in (0..unknown).rev().zip(blocks) {
                let &[a, b, c] = block else { continue };
                if let Some(known) = shifts.get_mut(sort(a, b, c)) {
                    *known = shift.min(*known);
                }
            }
        }
        Some(Self { window, shifts })
    }

    /// No needle begins in `bytes` from `from` to what is returned, which is at most where fewer bytes are
    /// left than the shortest needle has.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(&[a, b, c]) = bytes.get(at + self.window - BLOCK..at + self.window) {
            match self.shifts.get(sort(a, b, c)) {
                Some(0) | None => break,
                Some(shift) => at += usize::from(*shift),
            }
        }
        at
    }

    /// Whether from `at` on there are as many bytes as the shortest needle has, or as are looked at.
    #[inline]
    pub(super) fn fits(&self, bytes: &[u8], at: usize) -> bool {
        at + self.window <= bytes.len()
    }
}

/// The same for letters in either case.
#[inline]
fn sort(a: u8, b: u8, c: u8) -> usize {
    let block = u32::from_le_bytes([a, b, c, 0]) | 0x0020_2020;
    // Knuth's multiplicative hash; its upper bits are the mixed ones.
    let mixed = block.wrapping_mul(0x9E37_79B1) >> (32 - SORTS.trailing_zeros());
    mixed as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Skip;

    #[test]
    fn it_skips_what_is_no_needle() {
        let needle = b"abcdefghijkl".as_slice();
        let skip = Skip::new([needle].into_iter()).unwrap();
        assert_eq!(skip.next(b"......................", 0), 20);
        assert_eq!(skip.next(b".....abcdefghijkl", 0), 5);
        assert_eq!(skip.next(b".....ABCdefGHIjkL", 0), 5);
        assert_eq!(skip.next(b"short", 0), 0);
        assert!(Skip::new([b"abc".as_slice()].into_iter()).is_none());
        assert!(Skip::new(std::iter::empty()).is_none());
    }

    proptest! {
        #[test]
        fn it_never_skips_a_needle(
            needles in prop::collection::vec("[abc]{4,70}", 1..4),
            text in "[abcd]{0,200}",
            from in 0_usize..20,
        ) {
            let all = needles.iter().map(String::as_bytes);
            let skip = Skip::new(all).unwrap();
            let to = skip.next(text.as_bytes(), from);
            prop_assert!(to >= from);
            for needle in &needles {
                let begins = text.match_indices(needle.as_str()).map(|(at, _)| at);
                prop_assert!(!begins.into_iter().any(|at| (from..to).contains(&at)));
                prop_assert!(to <= from.max(text.len()));
            }
        }
    }
}
