//! Comparison that does not tell by its duration where two secrets differ.

use subtle::ConstantTimeEq as _;

/// Named equality of secrets, in place of `PartialEq`.
pub trait SameSecret {
    /// Whether both hold the same bytes; the time taken depends on the length only.
    fn same_secret(&self, other: &Self) -> bool;
}

/// Constant-time equality of two byte strings; different lengths are told apart at once.
pub fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::same_bytes;

    #[test]
    fn compares() {
        assert!(same_bytes(b"", b""));
        assert!(same_bytes(b"abc", b"abc"));
        assert!(!same_bytes(b"abc", b"abd"));
        assert!(!same_bytes(b"abc", b"abcd"));
    }
}
