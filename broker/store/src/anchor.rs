//! What the keyring keeps for the ledger: the key that signs checkpoints, and how long the ledger was
//! at the last one.
//!
//! Both are out of reach of whoever can only edit the database. The entry is `VKL1`, the 32 bytes of
//! the Ed25519 seed, then 72 bytes for every ledger that was ever vouched for: its id, the place of
//! the last record, its hash.

use ring::signature::Ed25519KeyPair;
use valetkey_core::ports::{Entropy, SecretKey, SecretStore, StoreError, StoreState};
use valetkey_secret::{Destination, RootSecret};
use zeroize::Zeroizing;

use crate::chain::{Hash, Head, LedgerId};

const MAGIC: &[u8; 4] = b"VKL1";
const SEED: usize = 32;
const MARK: usize = 32 + 8 + 32;

/// Why the keyring's entry cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnchorError {
    /// The keyring did not do as asked.
    #[error(transparent)]
    Keyring(#[from] StoreError),
    /// There is an entry, but not one of ours.
    #[error("the keyring's entry `{}` is damaged", SecretKey::Ledger)]
    Damaged,
}

/// How long a ledger was when it was last vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) ledger: LedgerId,
    pub(crate) head: Head,
}

/// The entry, for as long as one checkpoint or one verification takes.
pub(crate) struct Anchor {
    seed: Zeroizing<[u8; SEED]>,
    pub(crate) key: Ed25519KeyPair,
    pub(crate) marks: Vec<Mark>,
}

impl Anchor {
    /// Reads the entry; `None` where there is none yet. Never makes the keyring ask anybody to
    /// unlock it.
    pub(crate) async fn read(keyring: &dyn SecretStore) -> Result<Option<Self>, AnchorError> {
        if let StoreState::Unusable(error) = keyring.inspect().await.state {
            return Err(error.into());
        }
        match keyring.read(&SecretKey::Ledger).await {
            Ok(entry) => {
                let seed = entry.into_signing_seed();
                let parsed = seed.disclose(Destination::Signer, Self::parse);
                parsed.map(Some).ok_or(AnchorError::Damaged)
            }
            Err(StoreError::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a key and stores it before anything is signed with it.
    pub(crate) async fn create(
        keyring: &dyn SecretStore,
        entropy: &dyn Entropy,
    ) -> Result<Self, AnchorError> {
        let mut seed = Zeroizing::new([0; SEED]);
        entropy.fill(&mut *seed);
        let anchor = Self::new(seed, Vec::new()).ok_or(AnchorError::Damaged)?;
        anchor.write(keyring).await?;
        Ok(anchor)
    }

    /// Stores the entry.
    pub(crate) async fn write(&self, keyring: &dyn SecretStore) -> Result<(), StoreError> {
        keyring.write(&SecretKey::Ledger, self.to_secret()).await
    }

    /// How long this ledger was, as far as the keyring knows.
    pub(crate) fn mark(&self, ledger: LedgerId) -> Option<Head> {
        let mark = self.marks.iter().find(|mark| mark.ledger == ledger);
        mark.map(|mark| mark.head)
    }

    /// Moves the mark of a ledger forward, never back.
    pub(crate) fn advance(&mut self, ledger: LedgerId, head: Head) {
        match self.marks.iter_mut().find(|mark| mark.ledger == ledger) {
            Some(mark) if mark.head.sequence < head.sequence => mark.head = head,
            Some(_) => {}
            None => self.marks.push(Mark { ledger, head }),
        }
    }

    fn new(seed: Zeroizing<[u8; SEED]>, marks: Vec<Mark>) -> Option<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(&*seed).ok()?;
        Some(Self { seed, key, marks })
    }

    fn parse(entry: &[u8]) -> Option<Self> {
        let rest = entry.strip_prefix(MAGIC)?;
        let (seed, rest) = rest.split_first_chunk::<SEED>()?;
        let (marks, rest) = rest.as_chunks::<MARK>();
        let marks = marks.iter().map(|mark| Mark::parse(mark));
        let marks = marks.collect::<Option<_>>()?;
        if !rest.is_empty() {
            return None;
        }
        Self::new(Zeroizing::new(*seed), marks)
    }

    fn to_secret(&self) -> RootSecret {
        // Of its final size from the start: a vector that grows leaves its bytes behind unwiped.
        let size = MAGIC.len() + SEED + self.marks.len() * MARK;
        let mut entry = Zeroizing::new(Vec::with_capacity(size));
        entry.extend_from_slice(MAGIC);
        entry.extend_from_slice(&*self.seed);
        for mark in &self.marks {
            entry.extend_from_slice(&mark.ledger.0);
            entry.extend_from_slice(&mark.head.sequence.to_be_bytes());
            entry.extend_from_slice(mark.head.hash.as_bytes());
        }
        RootSecret::new(entry)
    }
}

impl Mark {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (ledger, rest) = bytes.split_first_chunk::<32>()?;
        let (sequence, hash) = rest.split_first_chunk::<8>()?;
        Some(Self {
            ledger: LedgerId(*ledger),
            head: Head {
                sequence: u64::from_be_bytes(*sequence),
                hash: Hash::from_slice(hash)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use valetkey_secret::Destination;
    use zeroize::Zeroizing;

    use super::{Anchor, MARK, Mark, SEED};
    use crate::chain::{Head, LedgerId};

    fn anchor() -> Anchor {
        let (one, two) = (LedgerId([1; 32]), LedgerId([2; 32]));
        let marks = [one, two].map(|ledger| Mark {
            ledger,
            head: Head::genesis(ledger).then(b"a", None),
        });
        Anchor::new(Zeroizing::new([7; SEED]), marks.to_vec()).unwrap()
    }

    #[test]
    fn an_entry_reads_back_and_a_damaged_one_does_not() {
        let entry = anchor().to_secret().into_signing_seed();
        let bytes = entry.disclose(Destination::Signer, <[u8]>::to_vec);
        assert_eq!(bytes.len(), 4 + SEED + 2 * MARK);
        assert_eq!(Anchor::parse(&bytes).unwrap().marks, anchor().marks);
        for cut in [0, 4, 35, bytes.len() - 1] {
            assert!(Anchor::parse(&bytes[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn a_mark_never_goes_back() {
        let (mut anchor, ledger) = (anchor(), LedgerId([1; 32]));
        let far = Head::genesis(ledger).then(b"a", None).then(b"b", None);
        anchor.advance(ledger, far);
        anchor.advance(ledger, Head::genesis(ledger).then(b"a", None));
        assert_eq!(anchor.mark(ledger), Some(far));
    }
}
