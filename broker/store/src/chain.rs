//! The hash chain: a record is bound to its place and to everything before it.
//!
//! `hash(n) = SHA-256(hash(n-1) || n || length of the record || record || bound)`, with numbers as 64
//! bits, big endian. `hash(0)` is the SHA-256 of a fixed label and the ledger's random id, so that no
//! two ledgers share a hash. `bound` is empty but for a record that changed a row: it is `s` for a
//! session, `l` for a login, `a` for an approval, `k` for a lock, `r` for signed requirements; then the
//! length of its subject, that (a session's 16 bytes, an account's name, the 32 digits of an approval,
//! `owner` or `admin`, `signed`), and the SHA-256 of the row's JSON, or nothing where the row went or
//! there is none.

use std::fmt;

use ring::digest::{Context, SHA256};

use crate::bound::Bound;

const GENESIS: &[u8] = b"valetkey ledger v2\0";

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

    pub(crate) fn of(parts: &[&[u8]]) -> Self {
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
    pub(crate) fn then(self, record: &[u8], bound: Option<&Bound>) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let (place, length) = (sequence.to_be_bytes(), length_of(record));
        let start: [&[u8]; 4] = [&self.hash.0, &place, &length, record];
        let hash = match bound {
            None => Hash::of(&start),
            Some(Bound { subject, row }) => {
                let (kind, id) = (subject.kind.tag(), &*subject.id);
                let row = row.as_ref().map_or(&[][..], |row| row.as_bytes());
                let [a, b, c, d] = start;
                Hash::of(&[a, b, c, d, kind, &length_of(id), id, row])
            }
        };
        Self { sequence, hash }
    }
}

fn length_of(bytes: &[u8]) -> [u8; 8] {
    (bytes.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use valetkey_core::{AccountName, ApprovalId, LockHolder};

    use super::{Head, LedgerId};
    use crate::bound::{Bound, Subject};

    #[test]
    fn place_and_past_are_part_of_the_hash() {
        let genesis = Head::genesis(LedgerId([1; 32]));
        let ab = genesis.then(b"a", None).then(b"b", None);
        let ba = genesis.then(b"b", None).then(b"a", None);
        assert_ne!(ab.hash, ba.hash);
        assert_ne!(
            genesis.then(b"a", None).hash,
            Head::genesis(LedgerId([2; 32])).then(b"a", None).hash
        );
        let moved = Head {
            sequence: 7,
            ..genesis
        };
        assert_ne!(genesis.then(b"a", None).hash, moved.then(b"a", None).hash);
    }

    #[test]
    fn the_rule_is_what_the_documents_say() {
        // Computed with another tool.
        let zero = Head {
            sequence: 0,
            hash: super::Hash([0; 32]),
        };
        let work = AccountName::parse("work").unwrap();
        let approval = ApprovalId::parse("0198c0de00007000800000000000000f").unwrap();
        for (bound, hash) in [
            (
                None,
                "2ec439adf82db5d55ef5e90f5610fa2d5258c72272fbd2ba9ada02bb288b2720",
            ),
            (
                Some(Bound::new(Subject::session([7; 16]), Some("[]"))),
                "f04548f56ca0589d5cbe6c2fcec63db47c183fea344f406be420b5519374e5cb",
            ),
            (
                Some(Bound::new(Subject::login(&work), Some("[]"))),
                "a09d457024522d209fdf0aa68da5eb82471628040422c065007b782c9158f9d9",
            ),
            (
                Some(Bound::new(Subject::login(&work), None)),
                "2177d4c8f91d24c27baac41db1d4d2ae0f149aa3fe0dce4a8f88caf118b5b498",
            ),
            (
                Some(Bound::new(Subject::approval(approval), Some("[]"))),
                "4c34ca9f746d69713f8fa875e5b22107490d13e611b8cf98ad626bdc72cbc1bc",
            ),
            (
                Some(Bound::new(Subject::lock(LockHolder::Owner), None)),
                "c18e0ff1cdb17409dd56a15f7840bbbe04b51100938e6cf62397b314b6dffad7",
            ),
        ] {
            assert_eq!(zero.then(b"{}", bound.as_ref()).hash.to_string(), hash);
        }
    }
}
