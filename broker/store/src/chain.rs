//! The hash chain: a record is bound to its place and to everything before it.
//!
//! `hash(n) = SHA-256(hash(n-1) || n as u64, big endian || bytes of the record)`, where `hash(0)` is
//! the SHA-256 of a fixed label and the ledger's random id, so that no two ledgers share a hash.

use std::fmt;

use ring::digest::{Context, SHA256};

const GENESIS: &[u8] = b"valetkey ledger v1\0";

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    /// What a row holds; `None` where that is not 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        Self(out)
    }
}

/// Hexadecimal.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The random id of one ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LedgerId(pub(crate) [u8; 32]);

/// The first eight digits: enough to tell ledgers apart.
impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = self.0.iter().take(4);
        first.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A place in the chain and the hash of everything up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last record's place; 0 before the first.
    pub(crate) sequence: u64,
    pub(crate) hash: Hash,
}

impl Head {
    /// Before the first record.
    pub(crate) fn genesis(ledger: LedgerId) -> Self {
        Self {
            sequence: 0,
            hash: Hash::of(&[GENESIS, &ledger.0]),
        }
    }

    /// After one more record.
    pub(crate) fn then(self, record: &[u8]) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let hash = Hash::of(&[&self.hash.0, &sequence.to_be_bytes(), record]);
        Self { sequence, hash }
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, LedgerId};

    #[test]
    fn place_and_past_are_part_of_the_hash() {
        let genesis = Head::genesis(LedgerId([1; 32]));
        let ab = genesis.then(b"a").then(b"b");
        let ba = genesis.then(b"b").then(b"a");
        assert_ne!(ab.hash, ba.hash);
        assert_ne!(
            genesis.then(b"a").hash,
            Head::genesis(LedgerId([2; 32])).then(b"a").hash
        );
        let moved = Head {
            sequence: 7,
            ..genesis
        };
        assert_ne!(genesis.then(b"a").hash, moved.then(b"a").hash);
    }

    #[test]
    fn the_rule_is_what_the_documents_say() {
        // sha256 of 32 zero bytes, 00 00 00 00 00 00 00 01 and "{}", computed with another tool.
        let zero = Head {
            sequence: 0,
            hash: super::Hash([0; 32]),
        };
        assert_eq!(
            zero.then(b"{}").hash.to_string(),
            "1bad765d926feacace97a8ddcd329a1f4254c208affc1ba86b3c7d59e8fba83e"
        );
    }
}
